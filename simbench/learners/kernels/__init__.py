"""Learners as numba kernels, one module each, named like the learner's own module (see learners.protocol.Kernel)."""
