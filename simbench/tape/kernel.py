"""How our kernels are compiled.

Division follows IEEE 754 (x / 0 is an infinity), as in NumPy and JAX. Numba's default raises instead, and pays for it
with a branch at every division, which keeps loops from vectorising.
"""

from typing import Any

import numba


def kernel(function: Any = None, **options: Any) -> Any:
    """Decorate a kernel: `@kernel`, or `@kernel(cache=True)` with numba's own options."""
    compile_kernel = numba.njit(error_model="numpy", **options)
    return compile_kernel if function is None else compile_kernel(function)
