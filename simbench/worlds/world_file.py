"""A world of your own, read from a file: every array given, nothing drawn.

    family = "file"

    [parameters]
    path = "worlds/summaries.csv"      # relative to the working directory; .csv or .npz
    beta = 0.1

**npz**: arrays named as the fields of `Bandit`. `reward [S, A]` and one of `ref [S, A]` (probabilities) and
`log_ref [S, A]` are required; `rho [S]`, `beta`, `reward_bound`, `features [S, A, d]`, `sources [W, S, A]`,
`prefs [S, A, A]`, `reward_class [M, S, A]` and `train_rho [S]` may follow.

**CSV**: a header, then one row per cell, sorted by prompt and response, both counted from 0:

    prompt,response,rho,ref,reward,feature_0,source_0
    0,0,0.5,0.9,0.2,1.0,0.3

`rho` and `train_rho` (the prompt's weights, repeated in its rows), `feature_0 …`, `source_0 …` and `class_0 …`
(the rewards of `reward_class`) may be left out, and `log_ref` may stand for `ref`.

Without `rho` prompts weigh the same. `beta` must come from the file or the parameters (the parameters win),
and so may `reward_bound`, which is 1 otherwise. Probabilities may be off by 1e-6 in their sum, as printed
decimals are, and are then normalised exactly; more than that is refused.
"""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp

from simbench import named_files
from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Positive, parameters, register
from simbench.tape import Key
from simbench.worlds.csv_world import WEIGHTS, read_csv
from simbench.worlds.npz_world import read_npz

READERS = {".csv": read_csv, ".npz": read_npz}
DECIMALS = 1e-6  # how far the probabilities of a file may be from summing to one


class SourceOutsideWarning(UserWarning):
    """A source reward of a user's file leaves [0, R]."""


@register("family", "file")
@parameters
class WorldFile:
    """A world read from a npz or CSV file; every instance is that world.

    Args:
        path: the file, relative to the working directory.
        beta: regularisation strength (reward units per nat); None to take the file's.
        reward_bound: R (reward units); None to take the file's, or 1.
    """

    path: str
    beta: Positive | None = None
    reward_bound: Positive | None = None

    def draw(self, key: Key) -> Bandit:
        """Return the world; the key does not matter.

        Raises:
            SimbenchError: one sentence naming the file and the column and line, or the array and entry.
        """
        fields = _reader(self.path)(Path(self.path))
        for name in ("beta", "reward_bound"):
            if getattr(self, name) is not None:
                fields[name] = getattr(self, name)
        if "beta" not in fields:
            raise SimbenchError(f"{self.path}: beta is missing; set it in the parameters of the environment.")
        try:
            log_ref = fields["log_ref"] = _log_distribution(fields)
            prompts = log_ref.shape[0] if log_ref.ndim else 1
            fields.setdefault("rho", np.full(prompts, 1 / max(prompts, 1)))
            for name in WEIGHTS:
                if name in fields:
                    fields[name] = _normalised(np.asarray(fields[name]))
            world = Bandit(**{name: value for name, value in fields.items() if name != "ref"})
        except SimbenchError as error:
            raise SimbenchError(f"{self.path}: {error}") from None
        _warn_of_sources(self.path, world)
        return world

    def digest(self) -> str:
        """Return the BLAKE2b hash of the file's bytes, so that stored results notice when it changes."""
        _reader(self.path)
        return hashlib.blake2b(Path(self.path).read_bytes(), digest_size=16).hexdigest()


def _warn_of_sources(path: str, world: Bandit) -> None:
    """Name the sources beyond [0, R]: transfer needs no bound on them, but a theorem about rewards in [0, R] does."""
    bound = float(world.reward_bound)
    for w, source in enumerate(() if world.sources is None else world.sources):
        low, high = float(source.min()), float(source.max())
        if low < 0 or high > bound:
            warnings.warn(
                f"{path}: source {w} ranges over [{low:g}, {high:g}], outside [0, reward_bound] = [0, {bound:g}]; "
                "it is used as it is, and bounds for rewards in that range do not speak of it.",
                SourceOutsideWarning,
                stacklevel=3,
            )


def _reader(path: str) -> Any:
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        raise SimbenchError(f"world file {path} ends in '{suffix}'; it must be one of {', '.join(READERS)}.")
    if not named_files.is_file(Path(path)):
        raise SimbenchError(f"world file {path} does not exist (looked in {Path.cwd()}).")
    return READERS[suffix]


def _log_distribution(fields: dict[str, Any]) -> np.ndarray:
    """Return `log_ref`, its rows normalised exactly; a row off by more than `DECIMALS` is refused."""
    if "ref" in fields:
        ref = np.asarray(fields["ref"])
        bad = ~((ref >= 0) & (ref <= 1 + DECIMALS))
        if bad.any():
            at = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
            raise SimbenchError(f"ref[{at}] is {ref[bad][0]}; probabilities lie in [0, 1].")
        with np.errstate(divide="ignore"):
            log_ref = np.log(ref)
    else:
        log_ref = np.asarray(fields["log_ref"])
    if log_ref.ndim != 2 or not log_ref.size:
        return log_ref  # Bandit explains
    total = logsumexp(log_ref, axis=-1, keepdims=True)
    off = ~(np.abs(total[:, 0]) <= DECIMALS)
    if off.any() and not np.isnan(log_ref).any():
        name, row = "ref" if "ref" in fields else "log_ref", int(np.flatnonzero(off)[0])
        raise SimbenchError(
            f"{name} of prompt {row} has probabilities that sum to {np.exp(total[row, 0]):.9g}; "
            f"every prompt's must sum to 1, give or take {DECIMALS:g}."
        )
    return log_ref - total


def _normalised(weights: np.ndarray) -> np.ndarray:
    """Return prompt weights, normalised exactly when they were off by rounding."""
    total = weights.sum()
    return weights / total if abs(total - 1) <= DECIMALS else weights
