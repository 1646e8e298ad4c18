"""Losses of preference learning in expectation, and what optimism adds to them."""
