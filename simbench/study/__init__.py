"""Studies: a question as data (TOML), its plan of work units, the runner, and the store of results.

spec      a study file, validated to the last key
settings  the grid expanded to settings
plan      which units of work answer it, each named by a hash of everything that determines its numbers
run       units computed on workers, written as they finish, never twice
store     one Parquet file per unit, written atomically, verified when read
table     the units of a study as one tidy table
"""
