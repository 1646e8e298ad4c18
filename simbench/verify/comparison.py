"""How the two sides of a claim are compared: once in float64 to search, once in balls to prove.

`Upper` says lesser <= greater with (lesser, greater) = (measured, theory); `Lower` swaps them; `Exists` seeks
an instance at which `Upper` is false; `Identity` says that |measured - theory| is within its tolerance.

    ratio      lesser/greater, the tightness: 1 where a bound is attained, above 1 where it fails
               (Identity: the relative difference divided by the tolerance)
    objective  its logarithm, what the hunter climbs
    margin     lesser - greater: positive in balls is a proof that the inequality fails there
"""

from typing import Any

import flint
import jax.numpy as jnp
import numpy as np
from flint import arb

from simbench.verify.ball import extended
from simbench.verify.protocol import Deterministic, Identity, Lower

LEAST_SIZE = 1e-290  # below it float64 has no digits left to compare
FAR = 50.0  # nats by which an instance without a ratio is set below (or above) all that have one


def oriented(claim: Deterministic, measured: Any, theory: Any) -> tuple[Any, Any]:
    """Return (lesser, greater), the sides in the order in which the claim says lesser <= greater."""
    return (theory, measured) if isinstance(claim, Lower) else (measured, theory)


def objective(claim: Deterministic, measured: Any, theory: Any) -> Any:
    """Return the logarithm of the ratio, traced; where a ratio means nothing, the difference, far below or above."""
    if isinstance(claim, Identity):
        size = jnp.maximum(jnp.maximum(jnp.abs(measured), jnp.abs(theory)), max(claim.scale, LEAST_SIZE))
        return 0.5 * jnp.log(((measured - theory) / size) ** 2 + 1e-60)
    lesser, greater = oriented(claim, measured, theory)
    positive = (lesser > 0) & (greater > 0)
    ratio = jnp.log(jnp.where(positive, lesser, 1.0)) - jnp.log(jnp.where(positive, greater, 1.0))
    rest = (lesser - greater) / (1.0 + jnp.abs(greater)) + jnp.where(lesser > greater, FAR, -FAR)
    return jnp.where(positive, ratio, rest)


def ratio(claim: Deterministic, measured: np.ndarray, theory: np.ndarray) -> np.ndarray:
    """Return how close to failing each instance is: above 1 it fails; NaN where there is nothing to compare.

    Nothing to compare: an undefined side, both sides zero, or an infinite greater side (a trivial bound).
    """
    with np.errstate(all="ignore"):
        if isinstance(claim, Identity):
            size = np.maximum(np.maximum(np.abs(measured), np.abs(theory)), max(claim.scale, LEAST_SIZE))
            quotient = np.abs(measured - theory) / (claim.tolerance * size)
            infinite = (size == np.inf) & ~np.isnan(measured) & ~np.isnan(theory)
            return np.where(infinite, np.where(measured == theory, 0.0, np.inf), quotient)
        lesser, greater = oriented(claim, measured, theory)
        quotient = np.where(greater > 0, lesser / greater, np.where(lesser > greater, np.inf, 0.0))
        both_negative = (greater < 0) & (lesser < 0)
        quotient = np.where(both_negative, greater / lesser, quotient)
        nothing = (
            np.isnan(lesser) | np.isnan(greater) | (greater == np.inf) | ((lesser == 0) & (greater == 0))
        )
        return np.where(nothing, np.nan, quotient)


def margin(claim: Deterministic, measured: arb, theory: arb) -> arb:
    """Return the ball of `lesser - greater`; for an identity, of `|difference| - exact_tolerance size`."""
    infinite = not (measured.is_finite() and theory.is_finite())
    if infinite and not (extended.is_known(measured) and extended.is_known(theory)):
        return extended.UNKNOWN
    if infinite and measured == theory:
        return extended.ZERO  # the same infinity on both sides
    if infinite and isinstance(claim, Identity):
        return extended.INFINITY
    if isinstance(claim, Identity):
        size = extended.larger(extended.larger(abs(measured), abs(theory)), arb(claim.scale))
        return abs(measured - theory) - arb(claim.exact_tolerance) * size
    lesser, greater = oriented(claim, measured, theory)
    return extended.subtract(lesser, greater)


def ball_ratio(claim: Deterministic, measured: arb, theory: arb) -> arb:
    """Return the ball of lesser/greater (of greater/lesser where both are negative); unknown for an identity."""
    if isinstance(claim, Identity):
        return extended.UNKNOWN
    lesser, greater = oriented(claim, measured, theory)
    return (
        extended.divide(greater, lesser) if lesser < 0 and greater < 0 else extended.divide(lesser, greater)
    )


def touches(margin_ball: arb, measured: arb, theory: arb, *, last: bool) -> bool:
    """Return whether the margin is zero to half the working precision: the sides meet, nothing is violated.

    At the last precision that is tried (`last`), a margin within a few units of the last place counts as well: sides
    that are exactly zero leave balls as wide as the rounding of their terms, and have no size to compare it with.
    """
    if not (measured.is_finite() and theory.is_finite() and margin_ball.contains(0)):
        return False
    size = extended.larger(abs(measured), abs(theory)).lower()
    floor = arb(2) ** (-15 * flint.ctx.prec // 16) if last else arb(0)
    return bool(abs(margin_ball).upper() <= size * arb(2) ** (-flint.ctx.prec // 2) + floor)
