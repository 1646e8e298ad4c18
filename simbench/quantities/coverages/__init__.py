"""How well one policy covers another."""
