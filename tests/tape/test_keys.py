"""Keys are hashes of named axes: stable, apart from each other, and indifferent to order."""

import hashlib
import itertools

import numpy as np
import pytest

from simbench.errors import SimbenchError
from simbench.tape import instance_key, run_key, tape_key


def by_hand(text: str) -> tuple[int, int]:
    digest = hashlib.blake2b(text.encode("ascii"), digest_size=8).digest()
    return tuple(int(word) for word in np.frombuffer(digest, dtype="<u4"))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (run_key(seed=0, instance=3, run=17), '{"axis":"run","instance":3,"run":17,"seed":0}'),
        (instance_key(seed=5, instance=2), '{"axis":"instance","instance":2,"seed":5}'),
        (tape_key(b="x", a=-1), '{"a":-1,"b":"x"}'),
        (tape_key(), "{}"),
        (tape_key(a="é"), '{"a":"\\u00e9"}'),
    ],
)
def test_a_key_is_the_hash_of_its_axes(key, text):
    assert tuple(int(word) for word in key) == by_hand(text)
    assert all(isinstance(word, np.uint32) for word in key)


def test_order_does_not_matter():
    axes = {"seed": 0, "run": 2, "instance": 1, "kind": "x"}
    keys = {tape_key(**dict(order)) for order in itertools.permutations(axes.items())}
    assert len(keys) == 1


def test_neighbouring_axes_give_different_keys():
    """1e5 keys, all different: for a right hash a collision has probability 3e-10."""
    keys = {run_key(seed=s, instance=i, run=r) for s in range(10) for i in range(20) for r in range(500)}
    assert len(keys) == 100_000
    assert run_key(seed=0, instance=1, run=2) != run_key(seed=0, instance=2, run=1)
    assert instance_key(seed=0, instance=0) not in keys


def test_different_axes_are_never_the_same_text():
    apart = [
        tape_key(a=1, b=2),
        tape_key(a="1;b=2"),
        tape_key(a='1,"b":2'),
        tape_key(a=1, b="2"),
        tape_key(a="1", b=2),
        tape_key(a=12),
        tape_key(b=1, a=2),
    ]
    assert len(set(apart)) == len(apart)


def test_numpy_integers_are_integers():
    assert tape_key(a=np.int64(7), b=np.uint8(1)) == tape_key(a=7, b=1)


@pytest.mark.parametrize("value", [1.0, True, None, (1,), np.float64(2), np.bool_(True), b"x"])
def test_other_axes_are_refused(value):
    with pytest.raises(SimbenchError, match=r"tape axis 'run' is .*; an axis is an integer or a string"):
        tape_key(run=value)
