"""Enclosures of the quantities that are computed by a series or a search."""

import jax
import jax.numpy as jnp
from flint import arb

from simbench.quantities import binary_kl, binary_kl_root
from simbench.quantities.log_arithmetic import exp_remainder
from simbench.verify.ball import extended
from simbench.verify.ball.named import encloses, encloses_root


@encloses(exp_remainder)
def enclose_exp_remainder(x: arb) -> arb:
    """Return e^x - 1 - x: its value at the midpoint, plus slope times radius, and never negative."""
    if not x.is_finite():
        return x.expm1() - x if x > 0 else extended.UNKNOWN if not x < 0 else extended.INFINITY
    centre = x.mid()
    value = centre.expm1() - centre
    if not x.is_exact():
        value += x.expm1() * (x - centre)
    return value.nonnegative_part()


def _budget_left(log_q: jax.Array, kl_budget: jax.Array, log_p: jax.Array) -> jax.Array:
    return binary_kl(log_q, log_p) - kl_budget


# log q in [log p, 0] with kl(q || p) = e, and q = 1 once e >= log(1/p)
encloses_root(
    binary_kl_root,
    residual=_budget_left,
    low=lambda kl_budget, log_p: log_p,
    high=lambda kl_budget, log_p: jnp.zeros_like(log_p),
)
