"""Modifiers: what an environment adds to the worlds of any family: sources, noise of the labels, other prompts.

A modifier is a registered record of parameters with `apply(world, key) -> world`. An environment's file gives it a
table of its own, `[sources]`, `[noise]`, ...; modifiers are applied in the alphabetical order of their names.
"""
