"""Learners that use source rewards of unknown quality."""
