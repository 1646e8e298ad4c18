"""TPO in numba, one loop per confidence set and function class."""
