"""Solvers of the KL-regularised preference game, one file per published algorithm."""
