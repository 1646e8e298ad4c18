"""How kernels are compiled: as a whole, with nothing left to call that others could replace."""

import math

import numpy as np
import pytest

from simbench.tape.kernel import inner, kernel


@inner
def innermost(x):
    total = 0.0
    for i in range(x.shape[0]):
        total += math.exp(-x[i])
    return total


@inner
def middle(x, times):
    total = 0.0
    for k in range(times):
        x[0] = k
        total += innermost(x)
    return total


@kernel
def outermost(x):
    return middle(x, 3) + innermost(x)


def expected(x: np.ndarray) -> float:
    """The same sum in NumPy."""
    rest = np.exp(-x[1:]).sum()
    return float(np.exp(-np.arange(3.0)).sum() + 3 * rest + np.exp(-2.0) + rest)


def test_inner_kernels_become_part_of_the_kernel() -> None:
    x = np.linspace(0.0, 2.0, 7)
    wanted = expected(x)
    assert outermost(x) == pytest.approx(wanted, rel=1e-15)
    if not hasattr(outermost, "overloads"):
        pytest.skip("there is no machine code when the JIT is off")
    (compiled,) = outermost.overloads.values()
    linkages = {
        f.name: f.linkage.name for f in compiled.library._final_module.functions if not f.is_declaration
    }
    assert linkages
    assert not {name for name, linkage in linkages.items() if "linkonce" in linkage}


def test_inner_kernels_have_no_machine_code_of_their_own() -> None:
    outermost(np.ones(2))
    if not hasattr(innermost, "overloads"):
        pytest.skip("there is no machine code when the JIT is off")
    for function in (innermost, middle):
        (compiled,) = function.overloads.values()
        defined = compiled.library._final_module.functions
        engine = compiled.target_context.codegen()._engine
        names = [f.name for f in defined if not f.is_declaration and function.py_func.__name__ in f.name]
        assert names
        assert not any(engine.is_symbol_defined(name) for name in names)


def test_division_by_zero_is_ieee() -> None:
    @kernel
    def ratio(x, y):
        return x / y

    if not hasattr(ratio, "overloads"):
        pytest.skip("plain Python raises")
    assert ratio(1.0, 0.0) == math.inf
