"""The world: a KL-regularised contextual bandit over finitely many prompts and responses, fully known.

    J(pi) = E_{s~rho, a~pi} reward[s, a] - beta KL(pi || ref)
    P(a > b | s) = sigmoid(reward[s, a] - reward[s, b])          (Bradley-Terry, unless `prefs` is given)

S prompts, A responses. Policies are log-policies `[S, A]`. Missing support is allowed: `log_ref = -inf` marks
a response that the reference never emits, and that no policy of finite KL can. A world of general preferences may
have no reward; then J does not exist, and what is measured is the exploitability of a policy in the game of `prefs`.

A `Bandit` is a pytree: it passes through `jit`, `vmap` and `grad` whole. Under a transformation its fields
are tracers and nothing is checked; `replace` works there too, so that `grad(lambda r:
f(world.replace(reward=r)))` is the derivative in the reward.
"""

import dataclasses
from typing import Any

import jax
import numpy as np

from simbench.bandit.validation import normalised, normalised_rows, validate
from simbench.errors import SimbenchError

OPTIONAL_FIELDS = ("features", "sources", "prefs", "reward_class", "train_rho")
NORMALISED = {"rho": normalised, "log_ref": normalised_rows, "train_rho": normalised}
ARRAY_FIELDS = ("rho", "log_ref", "reward", "beta", "reward_bound", *OPTIONAL_FIELDS)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Bandit:
    """A world. Arrays are float64 and read-only; build one with keywords, and it is validated at once.

    Two worlds are equal only if they are the same object (a world is a dictionary key, never compared entry
    by entry by accident). Copies and pickles keep the arrays read-only. Probabilities that sum to one within 1e-9 are
    accepted, and divided by their sum unless that is one up to rounding (1e-13).

    Args:
        rho: `[S]` prompt weights, non-negative, sum 1.
        log_ref: `[S, A]` log of the reference policy, rows normalised; -inf for missing support.
        reward: `[S, A]` the true reward r*, in [0, reward_bound] (reward units); None if `prefs` is all there is.
        beta: regularisation strength, > 0 (reward units per nat).
        reward_bound: R, the a-priori range of rewards that theorems quote; > 0.
        features: `[S, A, d]` feature map of the linear class, or None.
        sources: `[W, S, A]` source rewards, or None.
        prefs: `[S, A, A]` P(a > b | s) with P + P' = 1, or None for Bradley-Terry from `reward`.
        reward_class: `[M, S, A]` the rewards of a finite class (reward units), or None.
        train_rho: `[S]` weights of the prompts that are labelled, or None for `rho`; values and gaps use `rho`.

    Raises:
        SimbenchError: one sentence naming the field, the offending value and what is allowed.
    """

    rho: Any
    log_ref: Any
    reward: Any = None
    beta: Any
    reward_bound: Any = 1.0
    features: Any = None
    sources: Any = None
    prefs: Any = None
    reward_class: Any = None
    train_rho: Any = None

    def __post_init__(self) -> None:
        """Coerce to read-only float64 arrays, validate and normalise, unless a field is a tracer, without values."""
        fields = {name: getattr(self, name) for name in ARRAY_FIELDS}
        if any(isinstance(value, jax.core.Tracer) for value in fields.values()):
            return
        for name, value in fields.items():
            if value is not None or name not in ("reward", *OPTIONAL_FIELDS):
                object.__setattr__(self, name, _frozen_float64(name, value))
        validate(self)
        for name, normalise in NORMALISED.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _read_only(normalise(getattr(self, name))))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a deep copy; NumPy forgets on the way that the arrays were read-only."""
        for name, value in state.items():
            object.__setattr__(self, name, _read_only(value) if isinstance(value, np.ndarray) else value)

    @property
    def prompts(self) -> int:
        """S, the number of prompts."""
        return int(self.log_ref.shape[-2])

    @property
    def responses(self) -> int:
        """A, the number of responses per prompt."""
        return int(self.log_ref.shape[-1])

    def rewarded(self, what: str) -> Any:
        """Return the reward `[S, A]`; raise `SimbenchError`, naming `what` needs it, in a world without one."""
        if self.reward is None:
            raise SimbenchError(
                f"{what} needs a reward, and this world has preferences alone; what exists there is measured by "
                "exploitability_log_odds, exploitability_preference, win_rate and kl_ref."
            )
        return self.reward

    def replace(self, **changes: Any) -> "Bandit":
        """Return a validated copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def __repr__(self) -> str:
        if not isinstance(self.log_ref, np.ndarray):  # inside a transformation: no numbers to show
            return f"Bandit(log_ref={self.log_ref!r})"
        parts = [
            f"S={self.prompts}",
            f"A={self.responses}",
            f"beta={self.beta:g}",
            f"R={self.reward_bound:g}",
        ]
        parts += [
            f"{name} {getattr(self, name).shape}"
            for name in OPTIONAL_FIELDS
            if getattr(self, name) is not None
        ]
        parts += ["no reward"] if self.reward is None else []
        missing = int(np.isneginf(self.log_ref).sum())
        return f"Bandit({', '.join(parts)}{f', {missing} cells without support' if missing else ''})"


def _frozen_float64(name: str, value: Any) -> np.ndarray:
    try:
        given = np.asarray(value)
    except ValueError:
        raise SimbenchError(f"{name} is ragged: its rows differ in length.") from None
    if given.dtype.kind not in "biuf":
        raise SimbenchError(f"{name} is {_shown(value)}; it must be an array of real numbers.")
    return _read_only(np.array(given, dtype=np.float64))


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _flatten(bandit: Bandit) -> tuple[tuple[Any, ...], None]:
    return tuple(getattr(bandit, name) for name in ARRAY_FIELDS), None


def _unflatten(_: None, children: Any) -> Bandit:
    # Bypasses __init__: under a transformation the children are tracers or placeholders, without values.
    bandit = object.__new__(Bandit)
    for name, child in zip(ARRAY_FIELDS, children, strict=True):
        object.__setattr__(bandit, name, child)
    return bandit


jax.tree_util.register_pytree_with_keys(
    Bandit,
    lambda bandit: ([(jax.tree_util.GetAttrKey(name), getattr(bandit, name)) for name in ARRAY_FIELDS], None),
    _unflatten,
    _flatten,
)
