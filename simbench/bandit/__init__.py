"""The world and what is drawn from it."""

from simbench.bandit.bandit import Bandit
from simbench.bandit.batch import draw_wins_jax, draw_wins_numba, draw_wins_numpy, prompt_weights
from simbench.bandit.comparisons import PairCounts, count_comparisons, pair_counts
from simbench.bandit.validation import require_log_policy

__all__ = [
    "Bandit",
    "PairCounts",
    "count_comparisons",
    "draw_wins_jax",
    "draw_wins_numba",
    "draw_wins_numpy",
    "pair_counts",
    "prompt_weights",
    "require_log_policy",
]
