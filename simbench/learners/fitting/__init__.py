"""Mathematics and constants of fits, shared by the numba and the JAX implementation; nothing here imports a learner."""
