"""Learners of comparisons between the reference's own responses."""
