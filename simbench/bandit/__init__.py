"""The world and what is drawn from it."""

from simbench.bandit.bandit import Bandit
from simbench.bandit.comparisons import PairCounts, count_comparisons, pair_counts
from simbench.bandit.validation import require_log_policy

__all__ = ["Bandit", "PairCounts", "count_comparisons", "pair_counts", "require_log_policy"]
