"""What a world must satisfy. Each check raises one sentence: the field, the value, and what is allowed."""

from typing import TYPE_CHECKING

import numpy as np

from simbench.errors import SimbenchError

if TYPE_CHECKING:
    from simbench.bandit.bandit import Bandit

SUM_TOLERANCE = 1e-9  # how far a user's probabilities may be from summing to one


def validate(bandit: "Bandit") -> None:
    """Raise `SimbenchError` unless `bandit` is a world: shapes agree, numbers are finite, probabilities sum."""
    _shapes(bandit)
    _scalars(bandit)
    _probabilities(bandit)
    _rewards(bandit)
    if bandit.features is not None:
        _finite("features", bandit.features)
    if bandit.prefs is not None:
        _preferences(bandit.prefs)


def require_log_policy(bandit: "Bandit", log_policy: np.ndarray, name: str = "log_policy") -> np.ndarray:
    """Return `log_policy` as float64 `[..., S, A]`; raise unless its rows are log-distributions of this world."""
    array = np.asarray(log_policy, dtype=np.float64)
    cells = (bandit.prompts, bandit.responses)
    if array.shape[-2:] != cells:
        raise SimbenchError(f"{name} has shape {array.shape}; this world needs [..., S, A] with S, A = {cells}.")
    if np.isnan(array).any() or (array > SUM_TOLERANCE).any():
        raise SimbenchError(f"{name} must hold logs of probabilities: numbers <= 0 or -inf, no NaN.")
    sums = np.exp(array).sum(axis=-1)
    if not np.allclose(sums, 1.0, rtol=0.0, atol=SUM_TOLERANCE):
        worst = float(sums.flat[np.abs(sums - 1.0).argmax()])
        raise SimbenchError(f"{name} has a row whose probabilities sum to {worst:.12g}; every row must sum to 1.")
    return array


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
    }
    for name, shape in expected.items():
        value = getattr(bandit, name)
        if value is not None and value.shape != shape:
            raise SimbenchError(f"{name} has shape {value.shape}; with log_ref of shape {bandit.log_ref.shape} it must be {shape}.")
    if bandit.features is not None and (bandit.features.ndim != 3 or bandit.features.shape[:2] != (prompts, responses)):
        raise SimbenchError(f"features has shape {bandit.features.shape}; it must be [S, A, d] = ({prompts}, {responses}, d).")
    if bandit.sources is not None and (bandit.sources.ndim != 3 or bandit.sources.shape[1:] != (prompts, responses)):
        raise SimbenchError(f"sources has shape {bandit.sources.shape}; it must be [W, S, A] = (W, {prompts}, {responses}).")


def _finite(name: str, values: np.ndarray) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise SimbenchError(f"{name}[{', '.join(map(str, where))}] is {values[where]}; every entry must be a finite number.")


def _scalars(bandit: "Bandit") -> None:
    for name in ("beta", "reward_bound"):
        value = float(getattr(bandit, name))
        if not (np.isfinite(value) and value > 0):
            raise SimbenchError(f"{name} is {value}; it must be a finite number > 0.")


def _probabilities(bandit: "Bandit") -> None:
    _finite("rho", bandit.rho)
    if (bandit.rho < 0).any():
        raise SimbenchError(f"rho has the negative weight {bandit.rho.min()}; prompt weights are >= 0 and sum to 1.")
    if abs(bandit.rho.sum() - 1) > SUM_TOLERANCE:
        raise SimbenchError(f"rho sums to {bandit.rho.sum():.12g}; prompt weights must sum to 1.")
    require_log_policy(bandit, bandit.log_ref, "log_ref")


def _rewards(bandit: "Bandit") -> None:
    _finite("reward", bandit.reward)
    bound = float(bandit.reward_bound)
    slack = 1e-12 * bound
    low, high = float(bandit.reward.min()), float(bandit.reward.max())
    if low < -slack or high > bound + slack:
        raise SimbenchError(
            f"reward ranges over [{low:.6g}, {high:.6g}]; it must lie in [0, reward_bound] = [0, {bound:.6g}]. "
            "Shift and scale it first: theorems quote the range."
        )
    if bandit.sources is not None:
        _finite("sources", bandit.sources)


def _preferences(prefs: np.ndarray) -> None:
    _finite("prefs", prefs)
    if (prefs < 0).any() or (prefs > 1).any():
        raise SimbenchError(f"prefs ranges over [{prefs.min():.6g}, {prefs.max():.6g}]; probabilities lie in [0, 1].")
    asymmetry = np.abs(prefs + np.swapaxes(prefs, -1, -2) - 1).max()
    if asymmetry > SUM_TOLERANCE:
        raise SimbenchError(f"prefs[s, a, b] + prefs[s, b, a] differs from 1 by {asymmetry:.3g}; it must be 1 for every pair.")
