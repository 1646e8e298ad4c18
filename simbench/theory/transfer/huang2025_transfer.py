"""Transfer at work: early regret without knowing the good source, and no price for it later.

The study `transfer` plays TPO with four sources, the best of them Delta_min = .01, .03 or .1 short of pi*, over a
finite class whose members hide their good responses in the tail. The claims are about the family of these worlds. Two
phases are claimed:

    T <= 1/Delta_min^2     regret of the order sqrt(W T): what it takes to find the good source, and T Delta_min
    later                  regret of the order sqrt(T), or less: pi_OFF learns from data that cover pi*

The factors and exponents of these claims (.9, .75, .55) are ours: they stand for the theorem's order, whose constants
we have not seen. TPO's constants are those of practice (a bonus of .03 c_R, a version space of .3 of the
log-likelihood ratio). With the constants of our re-derivation it is still trying sources when the study ends: that is
what the controls "TPO, theory" show, and the steps of that re-derivation are checked elsewhere
(`huang2025_transfer_steps`).
"""

import math

import numpy as np

from simbench.compiling import quickly
from simbench.learners.transfer.sources import source_gaps
from simbench.verify import Altered, Order, Rate, claim

STUDY = "transfer"
PRACTICE, THEORY, ONLINE = "TPO", "TPO, theory", "XPO"
GAP = "environment.sources.gap"


def first_phase(world):
    """Return {"phase_end": Delta_min^-2}, in rounds."""
    return {"phase_end": float(np.min(np.asarray(_source_gaps(world)))) ** -2}


_source_gaps = quickly(source_gaps)


class UpToPhase(Order):
    """An order of regrets at the last T <= `phases` / Delta_min^2; regret does not fall, so that is its maximum."""

    study = STUDY
    smaller = PRACTICE
    over = "max"
    phases = math.inf

    def constants(self, world):
        return first_phase(world)

    def measured(self, rows):
        return np.where(rows["round"] <= self.phases * rows["phase_end"], rows["regret"], 0.0)


@claim("transfer_cuts_early_regret", source="huang2025, Theorem 4.4")
class TransferCutsEarlyRegret(UpToPhase):
    """E R_T(TPO) <= 0.9 E R_T(XPO) at the last T <= 1/Delta_min^2 of the study, for Delta_min = .01, .03 and .1.

    XPO is the online learner that TPO wraps, alone, on the same tape. R_T is regret in reward units, Delta_min the gap
    of the best source; rewards are in [0, 1]. The factor .9 is ours.
    Controls: TPO with the constants of our re-derivation; the uniform mixture of the sources.
    """

    larger, factor, phases = ONLINE, 0.9, 1.0
    controls = (
        Altered("the constants of our re-derivation", smaller=THEORY),
        Altered("a uniform mixture of the sources", smaller="uniform mixture"),
    )


@claim("transfer_outgrows_its_best_source", source="huang2025, Theorem 4.4")
class TransferOutgrowsItsBestSource(UpToPhase):
    """E R_T(TPO) <= 0.75 E R_T(best source) at the end of the study, 40 / Delta_min^2 rounds and more, Delta_min = .1.

    R_T is regret, Delta_min the gap of the best source; the factor .75 is ours. An oracle that plays the best source
    for ever pays T Delta_min. TPO does not know which source that is, and stops. Controls: TPO with the constants of
    our re-derivation; the end of the first phase in place of that of the study.
    """

    larger, factor = "best source", 0.75
    where = {GAP: 0.1}  # noqa: RUF012 - a claim's attribute, never written
    controls = (
        Altered("the constants of our re-derivation", smaller=THEORY),
        Altered("in the first phase", phases=1.0),
    )


@claim("transfer_regret_flattens", source="huang2025, Theorem 4.4")
class TransferRegretFlattens(Rate):
    """E R_T(TPO) grows at most like T^0.55 over the last half decade, at Delta_min = .1.

    R_T is regret, Delta_min the gap of the best source. The second phase: sqrt(T) is the bound; an exponent of .55 in
    its place is ours. The class is finite, so that in truth regret stops. Controls: the sources, alone and mixed,
    whose regret is linear; TPO with the constants of our re-derivation.
    """

    study = STUDY
    learner = PRACTICE
    where = {GAP: 0.1}  # noqa: RUF012
    at_most = 0.55
    decades = 0.5
    controls = (
        Altered("the best source", learner="best source"),
        Altered("a uniform mixture of the sources", learner="uniform mixture"),
        Altered("the constants of our re-derivation", learner=THEORY),
    )


@claim("transfer_price_of_many_sources", source="huang2025, Theorem 4.4; simbench")
class TransferPriceOfManySources(Rate):
    """E R_T(TPO) ~ W^p with 0 <= p <= 1 for W = 4 … 64 sources of gaps from .03 to .25, T fixed.

    R_T is regret, W the number of sources; the limits of p are ours. Published statements of the first phase differ:
    sqrt(W T), and W sqrt(T). Both are upper bounds. A source is given up after pulls of its own, so regret is affine
    in W rather than a power: the exponent grows with T, from .2 to .45. Controls: regret proportional to W; regret
    that falls with W.
    """

    study = "transfer_sources"
    learner = PRACTICE
    x = "environment.sources.number"
    where = {x: [4, 8, 16, 64]}  # noqa: RUF012
    at_least, at_most = 0.0, 1.0
    controls = (
        Altered("proportional to W", at_least=0.9, at_most=1.1),
        Altered("falling with W", at_least=-1.0, at_most=0.0),
    )


NUMBER = "environment.sources.number"


class Coverability(Rate):
    """The mean gap of pi_OFF grows at most like C_cov^0.3 in a class of fixed size, after 400 labels.

    `places` is C_cov up to a few per cent (2.3, 4.4, 8.2 and 11.3 for 2, 4, 8 and 11). Theorem 3.2 has the coverage of
    pi* by the data in its rate, and log of the size of the class, but not its coverability; that comes back with the
    data, whose coverage of pi* is what the online learner has found so far.
    """

    study = "self_transfer"
    column = "value_gap"
    x = "environment.places"
    at_most = 0.3
    where = {NUMBER: 1}  # noqa: RUF012 - a claim's attribute, never written
    controls: tuple[Altered, ...] = (
        Altered("the average policy of the learner that gathered the data", column="average_value_gap"),
    )


@claim("self_transfer_ignores_coverability", source="huang2025, Theorem 3.2")
class SelfTransferIgnoresCoverability(Coverability):
    """E gap(pi_OFF) on data of XPO ~ C_cov^p with p <= 0.3, C_cov from 2.3 to 11.3, 253 rewards, 400 labels.

    C_cov is the coverability of the class's policies, pi_OFF the policy that TPO hands out; an exponent up to .3 in
    place of "does not enter" is ours. The class holds a reward whose policy is .03 short of pi* and is the safest
    before any label: pi_OFF starts there, not from nothing, and without it the statement is false
    (`self_transfer_from_nothing_ignores_coverability`). The online learner that gathers the data pays for the
    coverability: its average policy is the control.
    """

    learner = "XPO, distilled"


@claim("greedy_self_transfer_ignores_coverability", source="huang2025, Theorem 3.2")
class GreedySelfTransferIgnoresCoverability(Coverability):
    """E gap(pi_OFF) on data of greedy online DPO ~ C_cov^p with p <= 0.3, C_cov from 2.3 to 11.3, 400 labels.

    C_cov is the coverability of the class's policies, pi_OFF the policy that TPO hands out. The class holds a safe
    reward, .03 short, as in `self_transfer_ignores_coverability`. Control: the average policy of the learner that
    gathered the data.
    """

    learner = "greedy, distilled"


@claim(
    "self_transfer_from_nothing_ignores_coverability",
    source="simbench, on huang2025",
    expected="violated",
    corrected_by="self_transfer_ignores_coverability",
)
class SelfTransferFromNothingIgnoresCoverability(Coverability):
    """The same without the safe reward, 252 members that all hide their good responses: false after 400 labels.

    Nothing in the class is good before the data say which, and how soon they do is the coverability's doing: pi_OFF
    pays for it as the average policy does. (After 4000 labels its mean gap is below 5e-5, whatever the coverability.)
    """

    learner = "XPO, distilled"
    where = {NUMBER: 0}  # noqa: RUF012
    controls = ()
