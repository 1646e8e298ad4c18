"""How fast the engines are, as ratios inside one run: of the floor (tape and draws alone) and of the naive loop.

Absolute rates of a shared machine mean little; a ratio of two things timed in turn, each at its best of many short
pieces, survives noise. The yardstick is `online_dpo/tabular/10x10`: tabular online DPO, solved after every label and
charged its exact gap, at S = A = 10, in the middle of a run of 1e5 rounds.
"""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.engine import jax_engine, numba_engine
from simbench.engine.floor import floor_rounds
from simbench.engine.ledger import loop_world, open_ledger
from simbench.errors import UnknownNameError, nearest
from simbench.learners import RoundLearner
from simbench.precision import float64
from simbench.registry import configure
from simbench.tape import run_key, tape_buffer
from simbench.worlds import make

ROWS = (
    "floor/tape/10x10",
    "reference/tabular/10x10",
    "online_dpo/tabular/10x10",
    "online_dpo/tabular/10x40",
    "xpo/tabular/10x10",
    "xpo/finite256/5x10",
    "tpo/finite256/5x10",
    "tpo/tabular/10x10",
    "online_dpo/linear/5x15",
    "tpo/linear/5x15",
)
WORLDS = {"finite256": "random_finite", "linear": "random_linear"}  # of function classes that need their own
SOURCES = {"number": 8, "gap": 0.2, "relative": True}  # of the world that transfer is timed in
YARDSTICK = "online_dpo/tabular/10x10"
UNIT = "rounds/s"
WARM_ROUNDS = 20_000  # before timing: a fit after few labels needs more Newton steps than most fits of a run
PIECE = 0.02  # seconds of one timed piece
PIECES = 25
JAX_RUNS = 256
WARM_RUNS = 16  # of which 256 go on: all of them would take a minute to get to the rounds that are timed
WARM_SECONDS = 5.0  # after which the slowest rows are taken where they are


def measure_speed(rows: list[str] | None = None) -> list[dict[str, Any]]:
    """Time the named rows (all by default) and return {name, engine, rate, unit, floor_ratio, naive_ratio}.

    `floor_ratio` is the time of a round in floors of the same world; `naive_ratio` the naive loop's time over this
    engine's, None where the naive oracles (tests/naive of a checkout) are not at hand. One core, one run at a time
    for numba; JAX steps 256 runs together. Raises `UnknownNameError` for a row that does not exist.
    """
    for name in rows or ():
        if name not in ROWS:
            raise UnknownNameError(f"no speed row is called '{name}'. {nearest(name, ROWS)}")
    return [entry for name in rows or ROWS for entry in _row(name)]


def _row(name: str) -> list[dict[str, Any]]:
    learner_name, model, size = name.split("/")
    prompts, responses = (int(part) for part in size.split("x"))
    sources: dict[str, Any] = {"sources": SOURCES} if learner_name == "tpo" else {}
    family = WORLDS.get(model, "random_tabular")
    world = make(family, prompts=prompts, responses=responses, beta=1.0, **sources)
    floor = _floor_piece(world)
    if learner_name == "floor":
        seconds, again = _best_seconds((floor, 2_000), (floor, 2_000))
        return [_entry(name, "numba", seconds, again, None)]
    chosen = {"model": model.rstrip("0123456789")} if model in WORLDS or learner_name == "tpo" else {}
    learner = configure("learner", learner_name, chosen, "speed")
    naive = _naive_seconds(world) if name == YARDSTICK else None
    numba_seconds, floor_seconds = _best_seconds((_numba_piece(world, learner), 500), (floor, 2_000))
    entries = [_entry(name, "numba", numba_seconds, floor_seconds, naive)]
    if learner.touches != "none":  # XLA removes the rounds of a learner that does not look at them
        jax_seconds, floor_seconds = _best_seconds((_jax_piece(world, learner), 20), (floor, 2_000))
        entries.append(_entry(name, "jax", jax_seconds / JAX_RUNS, floor_seconds, naive))
    return entries


def _entry(name: str, engine: str, seconds: float, floor: float, naive: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "engine": engine,
        "rate": 1.0 / seconds,
        "unit": UNIT,
        "floor_ratio": seconds / floor,
        "naive_ratio": None if naive is None else naive / seconds,
    }


def _best_seconds(*pieces: tuple[Callable[[int], None], int]) -> list[float]:
    """Return each (play, rounds)'s best time per round over PIECES pieces of about PIECE seconds.

    The pieces take turns: the speed of a shared machine switches between levels for seconds at a time, and a ratio
    is worth something only if both sides have seen the best of them.
    """
    sized = []
    for play, rounds in pieces:
        play(rounds)
        start = time.perf_counter()
        play(rounds)
        sized.append((play, max(rounds, int(rounds * PIECE / max(time.perf_counter() - start, 1e-9)))))
    best = [np.inf] * len(pieces)
    for _ in range(PIECES):
        for i, (play, rounds) in enumerate(sized):
            start = time.perf_counter()
            play(rounds)
            best[i] = min(best[i], (time.perf_counter() - start) / rounds)
    return best


def _floor_piece(world: Bandit) -> Callable[[int], None]:
    rho_cdf = np.cumsum(world.rho)
    policy_cdf = np.cumsum(np.exp(world.log_ref), axis=1)
    reward = np.array(world.reward)
    wins = np.zeros((world.prompts, world.responses, world.responses))
    buffer = tape_buffer(numba_engine.CHUNK)
    key = run_key(seed=0, instance=0, run=0)
    return lambda rounds: floor_rounds(0, rounds, key[0], key[1], rho_cdf, policy_cdf, reward, wins, buffer)


def _numba_piece(world: Bandit, learner: RoundLearner[Any]) -> Callable[[int], None]:
    kernel = learner.kernel(world)
    assert kernel is not None
    loop = numba_engine.specialise(kernel.module, tuple(learner.named_diagnostics(world).values()))
    ledger = open_ledger(world.prompts, world.responses, len(learner.named_diagnostics(world)))
    priced, key, state = loop_world(world), run_key(seed=0, instance=0, run=0), kernel.fresh_state()
    buffer = tape_buffer(numba_engine.CHUNK)
    played = 0

    def play(rounds: int) -> None:
        nonlocal played
        loop.advance(played, played + rounds, key[0], key[1], priced, state, ledger, buffer)
        played += rounds

    play(WARM_ROUNDS)
    return play


def _jax_piece(world: Bandit, learner: RoundLearner[Any]) -> Callable[[int], None]:
    keys = np.array([run_key(seed=0, instance=0, run=run) for run in range(JAX_RUNS)])
    with float64():
        carry = jax_engine.start(learner, world, keys[:WARM_RUNS])
    played = 0

    def play(rounds: int) -> None:
        nonlocal played, carry
        with float64():
            runs = len(carry.accounts.regret)
            carry = jax_engine.advance(learner, world, keys[:runs], carry, played, played + rounds)
            carry.accounts.regret.block_until_ready()
        played += rounds

    began = time.perf_counter()
    while played < WARM_ROUNDS and time.perf_counter() - began < WARM_SECONDS:
        play(WARM_ROUNDS // 40)
    copies = JAX_RUNS // WARM_RUNS
    with float64():
        carry = jax.tree.map(lambda run: jnp.tile(run, (copies,) + (1,) * (run.ndim - 1)), carry)
    return play


def _naive_seconds(world: Bandit) -> float | None:
    """Return the naive online DPO's seconds per round over its first 2000 rounds, or None outside a checkout."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / "tests" / "naive" / "__init__.py").is_file():
        return None
    sys.path.insert(0, str(checkout))  # the oracles are no part of the package
    try:
        naive = importlib.import_module("tests.naive")
    finally:
        sys.path.remove(str(checkout))
    learner = naive.NaiveOnlineDPO(ridge=1.0, second="self")
    rounds = 2_000
    best = np.inf
    for _ in range(2):
        start = time.perf_counter()
        naive.naive_run(world, learner, rounds=rounds, seed=0, instance=0, run=0)
        best = min(best, (time.perf_counter() - start) / rounds)
    return float(best)
