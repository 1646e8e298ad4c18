"""What a learner is, one file per protocol: round by round, in batches, or gathering its own data."""
