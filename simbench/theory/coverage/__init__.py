"""Coverage: what value says of it, and which coverage a method needs."""
