"""A counter-example as numbers a person can check by hand: ref, r*, beta, the policy, and both sides.

The numbers are those of the proof: the instance and the sides are interpreted in ball arithmetic at the point of the
cube, and the middles of the balls are written down as doubles. The proof rests on the point, not on these.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from simbench.precision import float64
from simbench.verify.ball import enclose
from simbench.verify.sides import Sides

SHOWN = {"log_ref": "ref", "log_policy": "policy"}  # what a reader expects as probabilities


def counterexample(sides: Sides, point: np.ndarray, constant: float, precision: int) -> dict[str, Any]:
    """Return the instance at `point [d]` by name, and `measured` and `theory` with its `constant`, as plain numbers.

    Logarithms of distributions are shown as the distributions (`ref [S, A]`, `policy [S, A]`), beside themselves.
    """
    names: list[str] = []

    def parts(u: Any) -> list[Any]:
        x = sides.domain.instance(sides.shape, u)
        shown = _named(x)
        for logarithm, name in SHOWN.items():
            if logarithm in shown and name not in shown:
                shown[name] = jnp.exp(shown[logarithm])
        names[:] = list(shown)
        return list(shown.values())

    with float64():
        program = jax.make_jaxpr(parts)(np.zeros(sides.dimension))
        values = enclose(program, [point], precision=precision)
        measured, theory, _ = enclose(sides.program, [point, np.float64(constant)], precision=precision)
    told = dict(zip(names, map(_plain, values), strict=True))
    return told | {"measured": _plain(measured), "theory": _plain(theory)}


def told(numbers: dict[str, Any]) -> str:
    """Return a counter-example as lines of text, logarithms left out where their distribution is shown."""
    hidden = {logarithm for logarithm, name in SHOWN.items() if name in numbers}
    return "\n".join(f"  {name:10} {_short(value)}" for name, value in numbers.items() if name not in hidden)


def _named(x: Any) -> dict[str, Any]:
    """Return the numeric parts of an instance; a world's fields stand under their own names."""
    shown: dict[str, Any] = {}
    for part, value in x._parts.items():
        if value is None:
            continue
        leaves = vars(value) if part == "world" else {part: value}
        for name, leaf in leaves.items():
            flat = jax.tree_util.tree_leaves(leaf)
            for k, number in enumerate(flat):
                shown[name if len(flat) == 1 else f"{name}[{k}]"] = jnp.asarray(number)
    return shown


def _plain(values: Any) -> Any:
    """Return nested lists of doubles (infinite ones as text, which JSON has)."""
    array = np.asarray(values, dtype=object)
    if array.ndim:
        return [_plain(entry) for entry in array]
    value = array.item()
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    number = float(value.mid()) if hasattr(value, "mid") and value.is_finite() else float(value)
    return number if np.isfinite(number) else str(number)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_short(entry) for entry in value) + "]"
    return f"{value:.17g}" if isinstance(value, float) else str(value)
