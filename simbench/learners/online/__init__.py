"""Learners that choose what to sample round by round, and the baselines that never learn."""
