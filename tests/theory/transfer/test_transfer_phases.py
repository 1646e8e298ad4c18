"""The phases of transfer are told by the worlds' gap, whatever the length of a study: runs of known regret."""

import numpy as np
import pandas as pd
import pytest

from simbench.theory.transfer.huang2025_transfer import TransferCutsEarlyRegret, TransferOutgrowsItsBestSource
from simbench.verify.statistical import examine
from tests.verify.run_tables import table

NOISE = np.random.default_rng(np.random.PCG64(8)).normal(1.0, 0.05, (4, 60, 1))
GAP = 0.1
LEVEL = {"TPO": 18.0, "TPO, theory": 1e6, "XPO": 30.0}  # at which regret stops, after 150 rounds


def runs(rounds):
    """Regret of 60 runs in 20 worlds: that of learners stops, that of the best source does not."""
    T = np.unique(np.round(np.geomspace(1, rounds, 40)))
    curves = {label: level * (T / (T + 150.0)) for label, level in LEVEL.items()} | {"best source": GAP * T}
    return pd.concat(
        table(noise * curve, T, instances=20, learner=label, phase_end=GAP**-2)
        for noise, (label, curve) in zip(NOISE, curves.items(), strict=True)
    ).assign(**{"environment.sources.gap": GAP})


@pytest.mark.parametrize("rounds", [4_000, 100_000])
def test_a_source_is_outgrown_in_the_second_phase_only(rounds):
    claim = TransferOutgrowsItsBestSource()
    curves = runs(rounds)
    # At T = 1/Delta^2 = 100 TPO has paid 7; let it pay 15, more than three quarters of the source's 10.
    early = (curves["learner"] == "TPO") & (curves["round"] <= GAP**-2)
    curves.loc[early, "regret"] += 8.0 * curves.loc[early, "round"] / 100
    assert examine(claim, curves, "test").support < 1e-3
    for control in claim.controls:
        assert examine(claim.altered(control), curves, "test").against < 1e-3, control


@pytest.mark.parametrize("rounds", [4_000, 100_000])
def test_early_regret_is_that_of_the_first_phase(rounds):
    """TPO is cheaper for 100 rounds and dearer later: consistent, whatever follows the phase."""
    curves = runs(rounds)
    late = (curves["learner"] == "TPO") & (curves["round"] > GAP**-2)
    curves.loc[late, "regret"] += 100.0
    assert examine(TransferCutsEarlyRegret(), curves, "test").support < 1e-3
