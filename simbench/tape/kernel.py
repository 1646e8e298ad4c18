"""How our kernels are compiled.

Division follows IEEE 754 (x / 0 is an infinity), as in NumPy and JAX: numba's default raises instead, and pays with a
branch at every division. A product and a sum may fuse into one operation, which rounds once instead of twice; sums are
never reordered, so a kernel gives the same bits wherever the processor is of the same type.

Kernels allocate nothing and are compiled without numba's memory manager. It would count references to every array that
a kernel takes out of a tuple, slices or hands on: some sixty calls a round, a third of the time of tabular online DPO.
The caller keeps all arrays alive for the length of the call.
"""

from typing import Any

import numba


def kernel(function: Any = None, **options: Any) -> Any:
    """Decorate a kernel: `@kernel`, or `@kernel(cache=True)` with numba's own options."""
    compile_kernel = numba.njit(
        error_model="numpy",
        fastmath={"contract"},
        _nrt=False,  # type: ignore[call-overload]
        **options,
    )
    return compile_kernel if function is None else compile_kernel(function)


def inner(function: Any) -> Any:
    """Decorate a kernel that only kernels call: without its entry from Python, a costly one for named tuples."""
    return kernel(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)
