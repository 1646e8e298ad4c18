"""What a learner is, one file per protocol: round by round, in batches, gathering its own data, or step by step."""
