"""What is too large is refused in one sentence, before anything is made; hostile files likewise."""

import io
import os
import time
import zipfile

import numpy as np
import pytest

from simbench.errors import SimbenchError
from simbench.study.plan import make_plan
from simbench.study.store import store_of
from simbench.study.study import load_study
from simbench.worlds import make
from tests.study.conftest import QUICK_LEARNER

GRID = ('[[learner]]\nname = "online_dpo"', '[grid]\n{}\n\n[[learner]]\nname = "online_dpo"')


def grid(*lengths):
    keys = ("environment.beta", "learner.online_dpo.ridge", "learner.online_dpo.alpha")
    lists = (f'"{key}" = {[1.0 + i for i in range(n)]}' for key, n in zip(keys, lengths, strict=False))
    return GRID[0], GRID[1].format("\n".join(lists))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("runs = 3", "runs = 10_000_000"), "20000000 units"),
        (("instances = 2", "instances = 1_000_000_000_000"), "4000000000000 units"),
        (grid(20_000), "20000 points; it may have at most 10000"),
        (grid(10_000, 10_000, 10_000), "1000000000000 points"),
        (("block = 2", "block = 1_000_000_000"), "block"),
        (("prompts = 2", "prompts = 1_000_000_000"), "3000000000 prompts x responses"),
        (
            (
                "responses = 3, beta = 1.0 }",
                "responses = 3, beta = 1.0 }, sources = { number = 1_000_000_000 }",
            ),
            "number",
        ),
        (
            ("block = 2", "block = 2\nseed = 1" + "0" * 5000),
            "too many digits",
        ),
        (("block = 2", "block = 2\nseed = 0x" + "f" * 5000), "seed holds a whole number beyond 64 bits"),
        (("runs = 3", "runs = 3\nx = " + "[" * 2000 + "]" * 2000), "nested too deeply"),
    ],
)
def test_what_is_too_large_is_refused_at_once(write_study, change, words):
    write_study(change)
    start = time.process_time()
    with pytest.raises(SimbenchError, match=words) as refusal:
        load_study("tiny")
    assert "\n" not in str(refusal.value)
    # Not seconds of a busy machine: minutes or memory without end are what is refused
    assert time.process_time() - start < 20.0


def test_twenty_thousand_units_are_planned_at_once(write_study):
    write_study(QUICK_LEARNER, ("instances = 2", "instances = 5000"))
    make_plan(load_study("tiny", "quick"))
    start = time.process_time()
    assert len(make_plan(load_study("tiny")).units) == 20_000
    assert time.process_time() - start < 20.0  # under one second measured; planning unit by unit took minutes


@pytest.mark.parametrize("name", ["a" * 5000, "a" * 5000 + ".toml", "\udcff.toml", "a\0.toml"])
def test_a_name_that_no_file_has_is_unknown(workplace, name):
    with pytest.raises(SimbenchError):
        load_study(name)


def test_a_name_of_dots_is_refused(write_study, workplace):
    write_study().rename(workplace / "...toml")
    with pytest.raises(SimbenchError, match="made of dots"):
        load_study("...toml")


def test_archives_that_lie_are_refused(workplace):
    honest = io.BytesIO()
    np.save(honest, np.array([[1.0, 0.0]]))
    lying = honest.getvalue().replace(b"(1, 2)", b"(9" + b"9" * 11 + b", 2)")
    for content in (lying, b"no array", b""):
        with zipfile.ZipFile(workplace / "world.npz", "w") as archive:
            archive.writestr("reward.npy", content)
            archive.writestr("ref.npy", honest.getvalue())
        with pytest.raises(SimbenchError, match=r"world\.npz"):
            make({"family": "file", "parameters": {"path": "world.npz", "beta": 1.0}})


def test_a_pipe_in_a_units_place_is_damage(write_study):
    write_study(QUICK_LEARNER)
    plan = make_plan(load_study("tiny", "quick"))
    store = store_of(plan, "results")
    store.open()
    os.mkfifo(store.path(plan.units[0]))
    assert store.state(plan.units[0]) == "corrupt"
