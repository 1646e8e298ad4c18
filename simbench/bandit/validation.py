"""What a world must satisfy. Each check raises one sentence: the field, the value, and what is allowed."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from simbench.errors import SimbenchError

if TYPE_CHECKING:
    from simbench.bandit.bandit import Bandit

SUM_TOLERANCE = 1e-9  # how far a user's probabilities may be from summing to one
ROUNDING = (
    1e-13  # up to which they count as summing to one: identities of KL and value hold to that times beta
)
# Of reward_bound / beta: log-policies r / beta are known to 2^-53 of it, in nats, so that policies keep seven digits.
MOST_NATS = 1e8
REWARD_STACKS = {"sources": "W", "reward_class": "M"}  # [W, S, A] and [M, S, A]


def validate(bandit: "Bandit") -> None:
    """Raise `SimbenchError` unless `bandit` is a world: shapes, ranges, probabilities that sum to one."""
    _shapes(bandit)
    _scalars(bandit)
    _probabilities(bandit)
    _rewards(bandit)
    if bandit.features is not None:
        _finite("features", bandit.features)
    if bandit.prefs is not None:
        _preferences(bandit.prefs)


def require_log_policy(bandit: "Bandit", log_policy: np.ndarray, name: str = "log_policy") -> np.ndarray:
    """Return `log_policy` as float64 `[..., S, A]`; raise unless its rows are log-distributions."""
    array = np.asarray(log_policy, dtype=np.float64)
    cells = (bandit.prompts, bandit.responses)
    if array.shape[-2:] != cells:
        raise SimbenchError(
            f"{name} has shape {array.shape}; this world needs [..., S, A] with S, A = {cells}."
        )
    bad = ~(array <= SUM_TOLERANCE)  # catches NaN as well
    if bad.any():
        raise SimbenchError(
            f"{name}{_first(bad)} is {array[bad][0]}; logs of probabilities are numbers <= 0, "
            "or -inf for no support (take np.log of probabilities first)."
        )
    sums = np.exp(array).sum(axis=-1)
    off = np.abs(sums - 1.0)
    if (off > SUM_TOLERANCE).any():
        worst = np.unravel_index(off.argmax(), off.shape)
        raise SimbenchError(
            f"{name}{_at(worst)} has probabilities that sum to {sums[worst]:.12g}; every row must sum to 1."
        )
    return array


def normalised(weights: np.ndarray) -> np.ndarray:
    """Return prompt weights `[S]` that sum to one; those that do so up to rounding keep every bit."""
    total = weights.sum()
    return weights if abs(total - 1.0) <= ROUNDING else weights / total


def normalised_rows(log_ref: np.ndarray) -> np.ndarray:
    """Return log-probabilities `[S, A]` whose rows sum to one; rows that do so up to rounding keep every bit."""
    sums = np.exp(log_ref).sum(axis=-1, keepdims=True)
    return np.where(np.abs(sums - 1.0) <= ROUNDING, log_ref, log_ref - np.log(sums))


def _first(bad: np.ndarray) -> str:
    return _at(np.argwhere(bad)[0])


def _at(index: Iterable[int]) -> str:
    place = ", ".join(str(int(i)) for i in index)
    return f"[{place}]" if place else ""


def _shapes(bandit: "Bandit") -> None:
    if bandit.log_ref.ndim != 2 or 0 in bandit.log_ref.shape:
        raise SimbenchError(f"log_ref has shape {bandit.log_ref.shape}; it must be [S, A] with S, A >= 1.")
    prompts, responses = bandit.log_ref.shape
    expected = {
        "rho": (prompts,),
        "reward": (prompts, responses),
        "beta": (),
        "reward_bound": (),
        "prefs": (prompts, responses, responses),
        "train_rho": (prompts,),
    }
    for name, shape in expected.items():
        value = getattr(bandit, name)
        if value is not None and value.shape != shape:
            needed = f"must have shape {shape}" if shape else "must be one number"
            raise SimbenchError(
                f"{name} has shape {value.shape}; with log_ref of shape {bandit.log_ref.shape} it {needed}."
            )
    features = bandit.features
    if features is not None and (
        features.ndim != 3 or features.shape[:2] != (prompts, responses) or not features.size
    ):
        raise SimbenchError(
            f"features has shape {features.shape}; it must be [S, A, d] = ({prompts}, {responses}, d) "
            "with d >= 1, or None."
        )
    for name, count in REWARD_STACKS.items():
        stack = getattr(bandit, name)
        if stack is not None and (
            stack.ndim != 3 or stack.shape[1:] != (prompts, responses) or not stack.size
        ):
            raise SimbenchError(
                f"{name} has shape {stack.shape}; it must be [{count}, S, A] = ({count}, {prompts}, {responses}) "
                f"with {count} >= 1, or None."
            )


def _finite(name: str, values: np.ndarray) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        raise SimbenchError(f"{name}{_first(bad)} is {values[bad][0]}; every entry must be a finite number.")


def _scalars(bandit: "Bandit") -> None:
    for name in ("beta", "reward_bound"):
        value = float(getattr(bandit, name))
        if not (np.isfinite(value) and value > 0):
            raise SimbenchError(f"{name} is {value}; it must be a finite number > 0.")
    bound, beta = float(bandit.reward_bound), float(bandit.beta)
    if bound > MOST_NATS * beta:
        raise SimbenchError(
            f"beta is {beta:g}, too small for reward_bound {bound:g}: reward_bound / beta must be at most "
            f"{MOST_NATS:g}, beyond which float64 does not hold the policies of rewards."
        )


def _probabilities(bandit: "Bandit") -> None:
    for name in ("rho", "train_rho"):
        if getattr(bandit, name) is not None:
            _prompt_weights(name, getattr(bandit, name))
    require_log_policy(bandit, bandit.log_ref, "log_ref")


def _prompt_weights(name: str, weights: np.ndarray) -> None:
    _finite(name, weights)
    negative = weights < 0
    if negative.any():
        raise SimbenchError(
            f"{name}{_first(negative)} is {weights[negative][0]}; prompt weights are >= 0 and sum to 1."
        )
    if abs(weights.sum() - 1) > SUM_TOLERANCE:
        raise SimbenchError(f"{name} sums to {weights.sum():.12g}; prompt weights must sum to 1.")


def _rewards(bandit: "Bandit") -> None:
    if bandit.reward is None and bandit.prefs is None:
        raise SimbenchError("reward is None; a world without a reward must have prefs [S, A, A].")
    for name in REWARD_STACKS:
        if getattr(bandit, name) is not None:
            _finite(name, getattr(bandit, name))
    if bandit.reward is None:
        return
    _finite("reward", bandit.reward)
    bound = float(bandit.reward_bound)
    slack = 1e-12 * bound
    low, high = float(bandit.reward.min()), float(bandit.reward.max())
    if low < -slack or high > bound + slack:
        raise SimbenchError(
            f"reward ranges over [{low:.6g}, {high:.6g}]; it must lie in [0, reward_bound] "
            f"= [0, {bound:.6g}]. Shift and scale it first: theorems quote the range."
        )


def _preferences(prefs: np.ndarray) -> None:
    _finite("prefs", prefs)
    if (prefs < 0).any() or (prefs > 1).any():
        raise SimbenchError(
            f"prefs ranges over [{prefs.min():.6g}, {prefs.max():.6g}]; probabilities lie in [0, 1]."
        )
    asymmetry = np.abs(prefs + np.swapaxes(prefs, -1, -2) - 1)
    if (asymmetry > SUM_TOLERANCE).any():
        s, a, b = (int(i) for i in np.argwhere(asymmetry > SUM_TOLERANCE)[0])
        raise SimbenchError(
            f"prefs[{s}, {a}, {b}] + prefs[{s}, {b}, {a}] is {prefs[s, a, b] + prefs[s, b, a]:.12g}; "
            "P(a > b) + P(b > a) must be 1 for every pair, and P(a > a) 1/2."
        )
