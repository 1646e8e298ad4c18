"""Worlds: families that draw a `Bandit` from an instance key, and named environments that configure them."""

from simbench.worlds.environment import Environment, environment_from_table, load_environment, make

__all__ = ["Environment", "environment_from_table", "load_environment", "make"]
