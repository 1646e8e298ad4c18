"""Policies made from others, and divergences between them."""
