"""How fast gaps fall and regret grows."""
