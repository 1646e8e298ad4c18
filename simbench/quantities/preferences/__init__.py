"""Win rates, best responses and exploitability."""
