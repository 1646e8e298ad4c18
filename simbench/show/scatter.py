"""Coverage against value: every policy a point, between the lines of kappa.

With M = max pi*/pi, m = min pi*/pi and gap = J(pi*) - J(pi), for every policy of finite M,

    kappa(m) gap/beta <= Cov(pi*|pi) - 1 <= kappa(M) gap/beta ,      kappa(x) = (x - 1)^2 / (x - 1 - log x)

(simbench; the integrands of both sides differ by kappa(pi*/pi), and kappa is increasing). The class of
[huang2025, Lemma 3.1], |log pi/ref| <= R/beta, has M <= e^{2R/beta} and m >= e^{-2R/beta}, so that in it

    Cov(pi*|pi) - 1 <= kappa(e^{2R/beta}) gap/beta ,  the lemma, and  >= kappa(e^{-2R/beta}) gap/beta .

Two pictures. `draw_coverage_by_value` shows Cov - 1 against gap/beta in the worlds of one beta, between these two
lines. `draw_sharp_form` divides by gap/beta, and all worlds fall together: each policy becomes two points,
(m, ratio) and (M, ratio), and one curve, kappa, has to pass between them.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from simbench.compiling import quickly
from simbench.errors import SimbenchError
from simbench.precision import entry_point
from simbench.quantities import log_kappa
from simbench.show.style import FONT_SIZE, LOOKS, Look, looks

TOLERANCE = 1e-9  # relative, on Cov - 1
SMALLEST_DIVERGENCE = 1e-12  # nats; gap/beta below it is rounding error
COLUMNS = ("value_gap", "coverage_excess", "max_density_ratio", "min_density_ratio")
BETA = "environment.beta"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoveragePoints:
    """Distinct policies as points: all arrays `[N]`.

    Attributes:
        beta: of the policy's world (reward units per nat).
        divergence: gap/beta = KL(pi || pi*) (nats).
        excess: Cov(pi*|pi) - 1.
        log_largest: log M (nats).
        log_smallest: log m (nats).
        log_kappa_largest: log kappa(M).
        log_kappa_smallest: log kappa(m).
        learner: who played the policy.
        left_out: how many policies were left out because gap/beta is below `SMALLEST_DIVERGENCE`.
    """

    beta: np.ndarray
    divergence: np.ndarray
    excess: np.ndarray
    log_largest: np.ndarray
    log_smallest: np.ndarray
    log_kappa_largest: np.ndarray
    log_kappa_smallest: np.ndarray
    learner: np.ndarray
    left_out: int

    def select(self, chosen: np.ndarray) -> "CoveragePoints":
        """Return the points where `chosen [N]` is true."""
        arrays = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "left_out"}
        return CoveragePoints(
            **{name: array[chosen] for name, array in arrays.items()}, left_out=self.left_out
        )

    @property
    def ratio(self) -> np.ndarray:
        """(Cov - 1) beta / gap."""
        return np.asarray(self.excess / self.divergence)

    def outside(self, log_kappa_low: Any, log_kappa_high: Any) -> np.ndarray:
        """Return which ratios lie outside the two lines, given by their logs, by more than the tolerance."""
        log_ratio = np.log(self.ratio)
        margin = np.log1p(TOLERANCE)
        return np.asarray((log_ratio > log_kappa_high + margin) | (log_ratio < log_kappa_low - margin))

    def in_class(self, reward_bound: float) -> np.ndarray:
        """Return which policies have density ratios within e^{-2R/beta} … e^{2R/beta}."""
        width = 2.0 * reward_bound / self.beta
        return np.asarray((self.log_largest <= width) & (self.log_smallest >= -width))


def coverage_points(table: pd.DataFrame) -> CoveragePoints:
    """Return the distinct policies of a study whose grid sweeps beta.

    Raises `SimbenchError` when a column is missing.
    """
    for column in (*COLUMNS, BETA):
        if column not in table.columns:
            raise SimbenchError(
                f"the table has no column '{column}'; the study must have {', '.join(COLUMNS)}."
            )
    policies = table.drop_duplicates(["setting", "instance", "learner", *COLUMNS])
    policies = policies.assign(divergence=policies["value_gap"] / policies[BETA])
    kept = policies[policies["divergence"] > SMALLEST_DIVERGENCE]
    log_largest = np.log(kept["max_density_ratio"].to_numpy(np.float64))
    log_smallest = np.log(kept["min_density_ratio"].to_numpy(np.float64))
    return CoveragePoints(
        beta=kept[BETA].to_numpy(np.float64),
        divergence=kept["divergence"].to_numpy(np.float64),
        excess=kept["coverage_excess"].to_numpy(np.float64),
        log_largest=log_largest,
        log_smallest=log_smallest,
        log_kappa_largest=log_kappa_at(log_largest),
        log_kappa_smallest=log_kappa_at(log_smallest),
        learner=kept["learner"].to_numpy(object),
        left_out=len(policies) - len(kept),
    )


_compiled = quickly(log_kappa)


@entry_point
def log_kappa_at(log_x: Any) -> Any:
    """Return log kappa(e^{log_x}) as NumPy."""
    return _compiled(jnp.asarray(log_x, dtype=jnp.float64))


def draw_coverage_by_value(
    ax: Any, points: CoveragePoints, *, reward_bound: float, look: Mapping[str, Look] | None = None
) -> None:
    """Draw the policies of one beta between the lemma's two lines, and print how many of its class lie outside.

    A policy outside the class, of which the lemma says nothing, is drawn as a cross.

    Args:
        ax: matplotlib axes.
        points: policies of worlds with one beta.
        reward_bound: R (reward units).
        look: learner to its look, shared by the panels of a figure; None chooses one here.
    """
    beta = float(points.beta[0])
    inside = points.in_class(reward_bound)
    look = looks(points.learner) if look is None else look
    for learner in look:
        member = inside & (points.learner == learner)
        few = member.sum() < 0.1 * len(member)  # larger, and on top of the many
        ax.scatter(
            points.divergence[member], points.excess[member], s=18 if few else 8, marker=look[learner].marker,
            facecolors=look[learner].color, edgecolors="white", linewidths=0.5 if few else 0.15, alpha=0.85,
            rasterized=True, label=learner, zorder=2.5 if few else 2.0,
        )  # fmt: skip
    ax.scatter(
        points.divergence[~inside], points.excess[~inside], s=9, marker="x", color="#777777", linewidths=0.6,
        rasterized=True, label="outside the class",
    )  # fmt: skip
    width = 2.0 * reward_bound / beta
    span = np.geomspace(points.divergence.min() / 2.0, points.divergence.max() * 2.0, 2)
    for sign, linestyle in ((1.0, "-"), (-1.0, (0, (4, 2)))):
        name = "e^{2R/\\beta}" if sign > 0 else "e^{-2R/\\beta}"
        ax.plot(
            span, np.exp(log_kappa_at(sign * width)) * span, color="black", linewidth=0.9, linestyle=linestyle,
            label=rf"$\kappa({name})\,\mathrm{{gap}}/\beta$",
        )  # fmt: skip
    members = points.select(inside)
    count = int(members.outside(log_kappa_at(-width), log_kappa_at(width)).sum())
    ax.set(xscale="log", yscale="log")
    ax.set_title(
        rf"$R/\beta={reward_bound / beta:g}$: {count} of {len(members.beta)} outside the lines",
        fontsize=FONT_SIZE,
    )
    ax.set_xlabel(r"$\mathrm{gap}/\beta$ (nats)")


def draw_sharp_form(ax: Any, points: CoveragePoints) -> None:
    """Draw (m, ratio) and (M, ratio) for every policy and the curve kappa; print how many policies miss it."""
    for logs, look, label in (
        (points.log_smallest, LOOKS[2], r"at $x=m=\min\,\pi^{\ast}/\pi$: above the curve"),
        (points.log_largest, LOOKS[0], r"at $x=M=\max\,\pi^{\ast}/\pi$: below the curve"),
    ):
        ax.scatter(
            np.exp(logs), points.ratio, s=7, marker=look.marker, color=look.color, alpha=0.7, linewidths=0,
            rasterized=True, label=label,
        )  # fmt: skip
    log_x = np.linspace(points.log_smallest.min() - 1.0, points.log_largest.max() + 1.0, 500)
    ax.plot(np.exp(log_x), np.exp(log_kappa_at(log_x)), color="black", linewidth=1.2, label=r"$\kappa(x)$")
    missed = int(points.outside(points.log_kappa_smallest, points.log_kappa_largest).sum())
    ax.set(xscale="log", yscale="log")
    ax.set_title(
        f"all worlds together: {missed} of {len(points.beta)} policies on the wrong side", fontsize=FONT_SIZE
    )
    ax.set_xlabel(r"density ratio $x$")
    ax.set_ylabel(r"$(\mathrm{Cov}-1)\,/\,(\mathrm{gap}/\beta)$")
