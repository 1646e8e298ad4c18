"""Enclosures of the quantities that are computed by a series or a search."""

import flint
import jax
import jax.numpy as jnp
from flint import arb

from simbench.quantities import binary_kl, binary_kl_root
from simbench.quantities.log_arithmetic import exp_or_inf, exp_remainder, exp_remainder_ratio
from simbench.verify.ball import extended
from simbench.verify.ball.named import encloses, encloses_root


@encloses(exp_remainder)
def enclose_exp_remainder(x: arb) -> arb:
    """Return e^x - 1 - x: its value at the midpoint, plus slope times radius, and never negative."""
    if not x.is_finite():
        return extended.INFINITY if extended.is_known(x) else extended.UNKNOWN
    centre = x.mid()
    value = centre.expm1() - centre
    if not x.is_exact():
        value += x.expm1() * (x - centre)
    return value.nonnegative_part()


@encloses(exp_remainder_ratio)
def enclose_exp_remainder_ratio(x: arb) -> arb:
    """Return (e^x - 1 - x) / x^2; near zero 1/2 + x/6, give or take x^2 e^|x| / 24."""
    if not x.is_finite():
        return extended.UNKNOWN
    if abs(x) < arb(2) ** (-flint.ctx.prec // 3):  # there the quotient has lost a third of its bits and more
        size = abs(x).upper()
        return arb(1) / 2 + x / 6 + arb(0, size * size * size.exp() / 24)
    return extended.settle(enclose_exp_remainder(x) / (x * x))


@encloses(exp_or_inf)
def enclose_exp_or_inf(x: arb) -> arb:
    """Return e^x: the cut at the largest double belongs to the code, not to the function."""
    return x.exp()


def _budget_left(log_q: jax.Array, kl_budget: jax.Array, log_p: jax.Array) -> jax.Array:
    return binary_kl(log_q, log_p) - kl_budget


# log q in [log p, 0] with kl(q || p) = e, and q = 1 once e >= log(1/p)
encloses_root(
    binary_kl_root,
    residual=_budget_left,
    low=lambda kl_budget, log_p: log_p,
    high=lambda kl_budget, log_p: jnp.zeros_like(log_p),
)
