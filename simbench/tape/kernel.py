"""How our kernels are compiled.

Division follows IEEE 754 (x / 0 is an infinity), as in NumPy and JAX: numba's default raises instead, and pays with a
branch at every division. A product and a sum may fuse into one operation, which rounds once instead of twice; sums are
never reordered, so a kernel gives the same bits wherever the processor is of the same type.

Kernels allocate nothing and are compiled without numba's memory manager. It would count references to every array that
a kernel takes out of a tuple, slices or hands on: some sixty calls a round, a third of the time of tabular online DPO.
The caller keeps all arrays alive for the length of the call.

A kernel is compiled as a whole. Numba compiles every function by itself, with a copy of all that it calls: five levels
deep, the innermost code is optimised and translated five times over. Inner kernels stop at code that can be linked,
which halves the time of compiling the linear class. And what was linked in becomes the kernel's own, so that LLVM may
drop arguments, share loads and leave out copies: tabular online DPO and a finite class run a quarter faster.
"""

from typing import Any

import numba
from numba.core.compiler import Compiler


def kernel(function: Any = None, **options: Any) -> Any:
    """Decorate a kernel: `@kernel`, or `@kernel(nogil=True)` with numba's own options."""
    compile_kernel = numba.njit(
        error_model="numpy",
        fastmath={"contract"},
        _nrt=False,  # type: ignore[call-overload]
        **{"pipeline_class": _Whole, **options},
    )
    return compile_kernel if function is None else compile_kernel(function)


def inner(function: Any) -> Any:
    """Decorate a kernel that only kernels call: without its entry from Python, a costly one for named tuples."""
    return kernel(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=_LeftToTheCaller)


class _Whole(Compiler):
    """Numba's compiler, told that nobody else calls what was linked into the kernel."""

    def compile_extra(self, func: Any) -> Any:
        library = self.state.library = _library(self.state.targetctx.codegen(), func)
        optimise = library._optimize_final_module

        def own_and_optimise() -> None:
            for function in library._final_module.functions:
                if function.linkage.name == "linkonce_odr" and not function.is_declaration:
                    function.linkage = "internal"
            optimise()

        library._optimize_final_module = own_and_optimise
        return super().compile_extra(func)


class _LeftToTheCaller(Compiler):
    """Numba's compiler up to code that can be linked: nobody calls it before it is part of a kernel."""

    def compile_extra(self, func: Any) -> Any:
        codegen = self.state.targetctx.codegen()
        library = self.state.library = _library(codegen, func)
        library._optimize_final_module = lambda: None
        library._optimize_functions = lambda module: None
        library._finalize_final_module = lambda: setattr(library, "_finalized", True)
        library._codegen = _WithoutAddresses(codegen)
        return super().compile_extra(func)


def _library(codegen: Any, func: Any) -> Any:
    library = codegen.create_library(func.__qualname__)
    library.enable_object_caching()  # as numba does for a library of its own making
    return library


class _WithoutAddresses:
    """A code generator that does not know where its functions lie, since they lie nowhere yet."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None:
        """Do nothing: a function's environment holds Python objects, which kernels do not touch."""
