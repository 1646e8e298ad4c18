"""The world and what is drawn from it."""

from simbench.bandit.bandit import Bandit
from simbench.bandit.validation import require_log_policy

__all__ = ["Bandit", "require_log_policy"]
