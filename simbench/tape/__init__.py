"""The random tape: what happens to run `r` in round `t` is a pure function of (named axes, round, slot)."""

from simbench.tape.binomial import (
    binomial_jax,
    binomial_numba,
    binomial_numpy,
    round_key_jax,
    round_key_numba,
    round_key_numpy,
)
from simbench.tape.choice import choose_jax, choose_numba, choose_numpy
from simbench.tape.keys import Key, instance_key, run_key, tape_key
from simbench.tape.threefry import threefry_jax, threefry_numba, threefry_numpy
from simbench.tape.uniforms import (
    BATCH,
    LABEL,
    LEARNER,
    PROMPT,
    RESPONSE_1,
    RESPONSE_2,
    ROUND_SLOTS,
    TapeBuffer,
    fill_uniforms_numba,
    tape_buffer,
    uniform_numba,
    uniforms_jax,
    uniforms_numpy,
)

__all__ = [
    "BATCH",
    "LABEL",
    "LEARNER",
    "PROMPT",
    "RESPONSE_1",
    "RESPONSE_2",
    "ROUND_SLOTS",
    "Key",
    "TapeBuffer",
    "binomial_jax",
    "binomial_numba",
    "binomial_numpy",
    "choose_jax",
    "choose_numba",
    "choose_numpy",
    "fill_uniforms_numba",
    "instance_key",
    "round_key_jax",
    "round_key_numba",
    "round_key_numpy",
    "run_key",
    "tape_buffer",
    "tape_key",
    "threefry_jax",
    "threefry_numba",
    "threefry_numpy",
    "uniform_numba",
    "uniforms_jax",
    "uniforms_numpy",
]
