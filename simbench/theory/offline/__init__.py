"""Learning from a fixed data set: chains from labels to value, and pessimism."""
