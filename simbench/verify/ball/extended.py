"""Arithmetic on the extended reals in balls: the scalar rules everything else is built from.

A float is an `arb`: a ball that contains the real number, or an exact -inf or +inf, or `nan`, which here
means *unknown* (any real, infinite or undefined). A truth value is True, False or None, *undecided on these
balls*. The rules are IEEE's where IEEE is exact (log 0 = -inf, exp(-inf) = 0, 1/inf = 0, inf - inf unknown, 0
inf unknown), and anything doubtful is unknown: unknown is never positive, so nothing is ever proved from it.

Two operands that are the *same object* are the same real number, which decides x <= x and JAX's isnan,
where balls alone could not.
"""

from flint import arb

Truth = bool | None

NEGATIVE_INFINITY, INFINITY, UNKNOWN = arb.neg_inf(), arb.pos_inf(), arb.nan()
ZERO, ONE = arb(0), arb(1)


def is_known(x: arb) -> bool:
    """Return whether x is a finite ball or an exact infinity."""
    return x.is_finite() or (x.is_exact() and not x.is_nan())


def settle(x: arb) -> arb:
    """Return x with infinities made exact (Arb keeps a radius on -inf + 1) and half-infinite balls unknown."""
    if x.is_finite():
        return x
    if x.is_nan() or not x.rad().is_finite() or x.mid() == 0:
        return UNKNOWN
    return INFINITY if x > 0 else NEGATIVE_INFINITY


def add(x: arb, y: arb) -> arb:
    """Return x + y; inf - inf is unknown."""
    return settle(x + y)


def subtract(x: arb, y: arb) -> arb:
    """Return x - y, exactly zero for the same finite number."""
    return ZERO if x is y and x.is_finite() else settle(x - y)


def multiply(x: arb, y: arb) -> arb:
    """Return x y; 0 inf is unknown."""
    return square(x) if x is y else settle(x * y)


def log_gamma(x: arb) -> arb:
    """Return log |Gamma(x)|, JAX's lgamma; unknown on a ball that holds a pole."""
    if x > 0:
        return settle(x.lgamma())
    gamma = x.gamma()
    return settle(abs(gamma).log()) if gamma.is_finite() else UNKNOWN


def less(x: arb, y: arb) -> Truth:
    """Return x < y, or None."""
    if x is y:
        return False if is_known(x) else None
    if x < y:
        return True
    return False if x >= y else None


def less_equal(x: arb, y: arb) -> Truth:
    """Return x <= y, or None."""
    return negate(less(y, x))


def equal(x: arb, y: arb) -> Truth:
    """Return x = y, or None: certain for the same object and for exact equal numbers."""
    if x is y:
        return True if is_known(x) else None
    if x == y:
        return True
    return False if x != y else None


def negate(p: Truth) -> Truth:
    """Return not p; undecided stays undecided."""
    return None if p is None else not p


def both(p: Truth, q: Truth) -> Truth:
    """Return p and q; one False decides."""
    if p is False or q is False:
        return False
    return None if p is None or q is None else True


def either(p: Truth, q: Truth) -> Truth:
    """Return p or q; one True decides."""
    return negate(both(negate(p), negate(q)))


def exclusive(p: Truth, q: Truth) -> Truth:
    """Return p xor q."""
    return None if p is None or q is None else p is not q


def hull(x: arb, y: arb) -> arb:
    """Return a ball around both: what a selection is worth whose condition is undecided.

    The real number is one of the two, so the hull is sound; and where a function is continuous across its
    switch (max, a series meeting a closed form) it shrinks with the precision even at an exact tie, which no
    comparison ever decides. With an infinite or unknown branch the result is unknown.
    """
    if x is y:
        return x
    return x.union(y) if x.is_finite() and y.is_finite() else UNKNOWN


def larger(x: arb, y: arb) -> arb:
    """Return max(x, y), the operand itself where the comparison is decided."""
    smaller = less_equal(x, y)
    if smaller is None:
        return x.max(y) if x.is_finite() and y.is_finite() else UNKNOWN
    return y if smaller else x


def smaller(x: arb, y: arb) -> arb:
    """Return min(x, y), the operand itself where the comparison is decided."""
    ordered = less_equal(x, y)
    if ordered is None:
        return x.min(y) if x.is_finite() and y.is_finite() else UNKNOWN
    return x if ordered else y


def sign(x: arb) -> arb:
    """Return -1, 0 or 1; a ball over zero gives [-1, 1]."""
    if x > 0:
        return ONE
    if x < 0:
        return -ONE
    return ZERO if x == 0 else arb(0, 1)


def magnitude(x: arb) -> arb:
    """Return |x|."""
    if x >= 0:
        return x
    return -x if x < 0 else abs(x)


def logarithm(x: arb) -> arb:
    """Return log x, -inf at exactly zero."""
    return NEGATIVE_INFINITY if x == 0 else x.log()


def logarithm_1p(x: arb) -> arb:
    """Return log(1 + x), -inf at exactly -1."""
    return NEGATIVE_INFINITY if x == -1 else x.log1p()


def logistic(x: arb) -> arb:
    """Return 1/(1 + e^-x), from the side on which the exponential is small."""
    if x < 0:
        grown = x.exp()
        return grown / (1 + grown)
    return 1 / (1 + (-x).exp())


def square(x: arb) -> arb:
    """Return x^2, never negative."""
    return integer_power(x, 2)


def integer_power(x: arb, n: int) -> arb:
    """Return x^n for an integer n; x^0 = 1 even at an infinite x, as in IEEE."""
    if n == 0:
        return ONE
    if n < 0:
        return ONE / integer_power(x, -n)
    if not x.is_finite():
        if not is_known(x):
            return UNKNOWN
        return INFINITY if x > 0 or n % 2 == 0 else NEGATIVE_INFINITY
    half = integer_power(x, n // 2)
    even = (
        half * half
    ).nonnegative_part()  # a ball over zero times itself dips below zero; a square does not
    return even * x if n % 2 else even


def power(x: arb, y: arb) -> arb:
    """Return x^y for x >= 0, or any x when y is an exact integer."""
    if y.is_exact() and y.is_finite() and y.is_integer():
        exponent = y.unique_fmpz()
        if exponent is not None and abs(int(exponent)) < 1024:
            return integer_power(x, int(exponent))
    if x == 0 and y > 0:
        return ZERO
    return x**y if x > 0 and x.is_finite() and y.is_finite() else UNKNOWN


def exponential_2(x: arb) -> arb:
    """Return 2^x."""
    return power(arb(2), x) if x.is_finite() else x.exp()


def inverse_root(x: arb) -> arb:
    """Return 1/sqrt(x)."""
    return x.rsqrt()


def divide(x: arb, y: arb) -> arb:
    """Return x/y; unknown where y may be zero (IEEE's infinity there depends on the sign of zero)."""
    return settle(x / y)


def is_finite(x: arb) -> Truth:
    """Return whether x is a finite number, or None when unknown."""
    if x.is_finite():
        return True
    return False if is_known(x) else None


def from_float(x: float) -> arb:
    """Return the double x as the exact dyadic rational it is (0.1 is the double 0.1); a NaN is unknown."""
    return arb(float(x))


def to_interval(x: arb) -> tuple[float, float]:
    """Return doubles that bracket the ball, for comparing with float64 arithmetic and for messages."""
    import math

    if not is_known(x):
        return -math.inf, math.inf
    low, high = float(x.lower()), float(x.upper())
    return math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
