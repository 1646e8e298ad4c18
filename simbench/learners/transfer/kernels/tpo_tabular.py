"""TPO over the tabular class as a numba kernel: the twin of transfer/tpo.py with confidence/ellipsoid.py."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simbench.bandit import Bandit
from simbench.learners.confidence.ellipsoid_kernel import add_label
from simbench.learners.kernels import tabular
from simbench.learners.kernels.box_fit import BoxScratch, box_scratch, fit_box
from simbench.learners.kernels.codes import LOGISTIC
from simbench.learners.kernels.recipe import Recipe
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


class BoxEstimate(NamedTuple):
    """The likelihood of all labels over rewards in [0, R]."""

    wins: np.ndarray  # [S, A, A]
    counts: np.ndarray  # [S, A, A] symmetric, zero diagonal
    centred: np.ndarray  # [S, A] r - R/2
    side: np.ndarray  # [S, A] which bound a coordinate is pinned to: -1, 0, 1
    credit: np.ndarray  # [A] of the bonus: there is none
    beta: float
    ridge: float  # gamma lam
    half: float  # R / 2
    scratch: BoxScratch


def start(world: Bandit, learner: "TPO", confidence: "Ellipsoid", recipe: Recipe) -> EllipsoidTPOState:
    """Return the state before any label; `recipe` is the online learner's."""
    with float64():
        ridge = float(confidence.ridge(world))
    prompts, responses = world.log_ref.shape
    log_ref, beta = np.array(world.log_ref), float(world.beta)
    return tpo_ellipsoid.start(
        world,
        learner,
        confidence,
        estimate=BoxEstimate(
            wins=np.zeros((prompts, responses, responses)),
            counts=np.zeros((prompts, responses, responses)),
            centred=np.zeros((prompts, responses)),
            side=np.zeros((prompts, responses), dtype=np.int64),
            credit=np.zeros(responses),
            beta=beta,
            ridge=ridge,
            half=float(world.reward_bound) / 2.0,
            scratch=box_scratch(responses),
        ),
        online=tabular.start(recipe, log_ref=log_ref, beta=beta, ridge=float(learner.ridge)),
    )


@inner
def observe(state, prompt, first, second, first_won, round_index):
    """Let the online learner and the estimate see the label, count the round, choose again."""
    state.diagnostics[UNSOLVED_FITS] = 0.0
    touched = NONE
    if online_learns(state.transfer.blocks, round_index):
        touched = tabular.observe(state.online, prompt, first, second, first_won, round_index)
        state.diagnostics[UNSOLVED_FITS] += state.online.diagnostics[0]
    winner, loser = (first, second) if first_won else (second, first)
    state.estimate.wins[prompt, winner, loser] += 1.0
    if first != second:
        state.estimate.counts[prompt, first, second] += 1.0
        state.estimate.counts[prompt, second, first] += 1.0
        fit_prompt(state, prompt)
        add_label(state.transfer.information, state.transfer.tables, prompt, first, second)
    return next_round(state.transfer, touched, round_index)


@inner
def fit_prompt(state, prompt):
    """Fit a prompt's rewards again, from where they were."""
    estimate, row = state.estimate, state.estimate.centred[prompt]
    solved = fit_box(
        LOGISTIC,
        False,
        estimate.wins[prompt],
        estimate.counts[prompt],
        0.0,
        estimate.credit,
        state.transfer.tables.cells.log_ref[prompt, 0],
        estimate.beta,
        estimate.ridge,
        estimate.half,
        row,
        estimate.side[prompt],
        estimate.scratch,
    )
    if not solved:
        state.diagnostics[UNSOLVED_FITS] += 1.0
    for a in range(row.shape[0]):
        state.transfer.information.theta[prompt, a] = row[a] + estimate.half
