"""Keys: which tape a run reads is a hash of named axes, never `seed + i`.

    run_key(seed=0, instance=3, run=17)  ->  (uint32, uint32)

Two axes of randomness stay apart: **instance** (which world) and **run** (which replicate). The learner is
not an axis: learners that are compared read the same tape (common random numbers).
"""

import functools
import hashlib
import json

import numpy as np

from simbench.errors import SimbenchError

Key = tuple[np.uint32, np.uint32]


def tape_key(**axes: int | str) -> Key:
    """Hash named axes to a 64-bit key, independent of their order.

    The hash is BLAKE2b of the axes as compact JSON sorted by name, `{"axis":"run","instance":3}`: JSON
    because it tells 1 from "1" and quotes what a name may contain, so that different axes are never the same
    text.

    Raises `SimbenchError` for an axis that is not an int or a str (a float's text would depend on the
    platform).
    """
    for name, value in axes.items():
        if isinstance(value, bool) or not isinstance(value, int | str | np.integer):
            raise SimbenchError(f"tape axis '{name}' is {value!r}; an axis is an integer or a string.")
    plain = {name: value if isinstance(value, str) else int(value) for name, value in axes.items()}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.uint32(int.from_bytes(digest[:4], "little")), np.uint32(int.from_bytes(digest[4:], "little"))


@functools.lru_cache(maxsize=2**16, typed=True)  # the settings of a study read the same tapes
def run_key(*, seed: int, instance: int, run: int) -> Key:
    """Return the key of one run's tape: replicate `run` in world `instance` of study `seed`."""
    return tape_key(axis="run", seed=seed, instance=instance, run=run)


def instance_key(*, seed: int, instance: int) -> Key:
    """Return the key from which a family draws world `instance` of study `seed`."""
    return tape_key(axis="instance", seed=seed, instance=instance)
