"""Deciding one instance for good: both sides in balls, the precision raised until the margin has a sign.

    proved      the margin is wholly positive: the inequality fails at this instance, that is a theorem
    holds       the margin is wholly <= 0
    touches     zero to half of the precision, 256 bits or more: the sides meet, as far as can be told
    outside     the claim's assumptions are not met there (or not decided)
    undecided   none of these, up to the highest precision

The instance is exact: the point u of the cube and the constant are doubles, taken as the dyadic rationals
they are, and the whole chain u -> instance -> sides is interpreted.
"""

import dataclasses

import numpy as np
from flint import arb

from simbench.verify.ball import Undecided, enclose, working_precision
from simbench.verify.comparison import ball_ratio, margin, touches
from simbench.verify.sides import Sides

PRECISIONS = (128, 256, 512, 1024)
MEETING = 512  # bits from which on sides that agree to half of them are taken to meet
DIGITS = 25  # of an enclosure as it is written down


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proof:
    """The decision about one instance, with the enclosures it rests on (decimal, rounded outwards)."""

    status: str
    precision: int
    margin: tuple[str, str] = ("-inf", "inf")
    ratio: tuple[str, str] = ("-inf", "inf")
    middle_ratio: float = float("nan")


def decide(
    sides: Sides, point: np.ndarray, constant: float = 1.0, precisions: tuple[int, ...] = PRECISIONS
) -> Proof:
    """Decide the instance at `point [d]`, raising the precision as far as needed.

    Raises:
        UnknownPrimitiveError: a side uses an operation without a rule in ball arithmetic.
    """
    proof = Proof(status="undecided", precision=precisions[-1])
    for precision in precisions:
        try:
            proof = _at(sides, point, constant, precision, last=precision == precisions[-1])
        except Undecided:
            continue
        if proof.status == "touches" and precision >= MEETING:
            return proof
        if proof.status not in ("undecided", "touches"):
            return proof
    return proof


def _at(sides: Sides, point: np.ndarray, constant: float, precision: int, *, last: bool) -> Proof:
    measured, theory, assumed = (
        value.item() for value in enclose(sides.program, [point, np.float64(constant)], precision=precision)
    )
    with working_precision(precision):
        difference = margin(sides.claim, measured, theory)
        quotient = ball_ratio(sides.claim, measured, theory)
        if assumed is False:
            status = "outside"
        elif assumed is None:
            status = "undecided"
        elif difference > 0:
            status = "proved"
        elif difference <= 0:
            status = "holds"
        else:
            status = "touches" if touches(difference, measured, theory, last=last) else "undecided"
        return Proof(
            status=status,
            precision=precision,
            margin=decimal_interval(difference),
            ratio=decimal_interval(quotient),
            middle_ratio=float(quotient.mid()) if quotient.is_finite() else float("nan"),
        )


def decimal_interval(x: arb) -> tuple[str, str]:
    """Return decimals around the ball: the lower end rounded down, the upper end rounded up."""
    if x.is_nan():
        return "-inf", "inf"
    return _decimal(x.lower(), -1), _decimal(x.upper(), 1)


def _decimal(end: arb, outwards: int) -> str:
    """Return a decimal of DIGITS digits beyond the exact number `end` in the given direction."""
    if not end.is_finite():
        return "inf" if end > 0 else "-inf"
    if end == 0:
        return "0"
    text = end.mid().str(DIGITS, radius=False)
    if not (arb(text) - end) * outwards >= 0:  # `str` rounded to nearest, inwards: a hundred units outwards
        text = (end + abs(end) * outwards * arb(10) ** (2 - DIGITS)).mid().str(DIGITS, radius=False)
    return text
