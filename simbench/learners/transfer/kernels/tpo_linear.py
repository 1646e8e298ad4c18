"""TPO over the linear class as a numba kernel: the twin of transfer/tpo.py with confidence/ellipsoid.py."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simbench.bandit import Bandit
from simbench.learners.confidence.ellipsoid_kernel import add_label
from simbench.learners.kernels import linear
from simbench.learners.kernels.linear_fit import fit_label
from simbench.learners.kernels.linear_objective import DRIFT, STALE, count_label, open_fit
from simbench.learners.kernels.recipe import Recipe, without_bonus
from simbench.learners.kernels.schedules import NONE
from simbench.learners.transfer.kernels import tpo_ellipsoid
from simbench.learners.transfer.kernels.choice import online_learns
from simbench.learners.transfer.kernels.tpo_ellipsoid import UNSOLVED_FITS, EllipsoidTPOState, act, next_round
from simbench.precision import float64
from simbench.tape.kernel import inner

if TYPE_CHECKING:
    from simbench.learners.confidence.ellipsoid import Ellipsoid
    from simbench.learners.transfer.tpo import TPO

__all__ = ["act", "observe", "start"]


def start(world: Bandit, learner: "TPO", confidence: "Ellipsoid", recipe: Recipe) -> EllipsoidTPOState:
    """Return the state before any label; `recipe` is the online learner's."""
    with float64():
        ridge = float(confidence.ridge(world))
    log_ref, features, beta = np.array(world.log_ref), np.array(world.features), float(world.beta)
    shape: dict[str, Any] = {
        "log_ref": log_ref,
        "beta": beta,
        "features": features,
        "radius": float(learner.radius),
    }
    return tpo_ellipsoid.start(
        world,
        learner,
        confidence,
        estimate=open_fit(without_bonus(recipe), ridge=ridge, **shape),
        online=linear.start(recipe, ridge=float(learner.ridge), **shape),
    )


@inner
def observe(state, prompt, first, second, first_won, round_index):
    """Let the online learner and the estimate see the label, count the round, choose again."""
    fit, information = state.estimate, state.transfer.information
    state.diagnostics[UNSOLVED_FITS] = 0.0
    touched = NONE
    if online_learns(state.transfer.blocks, round_index):
        touched = linear.observe(state.online, prompt, first, second, first_won, round_index)
        state.diagnostics[UNSOLVED_FITS] += state.online.diagnostics[0]
    if first != second or fit.memory[DRIFT] == STALE:
        count_label(fit, prompt, first, second, first_won)
        if not fit_label(fit, prompt, first, second, first_won):
            state.diagnostics[UNSOLVED_FITS] += 1.0
        add_label(information, state.transfer.tables, prompt, first, second)
        for k in range(fit.theta.shape[0]):
            information.theta[0, k] = fit.theta[k]
    return next_round(state.transfer, touched, round_index)
