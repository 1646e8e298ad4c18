"""The KL-regularised game of general preferences."""
