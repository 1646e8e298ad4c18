"""All claims about runs, judged again and again on fresh worlds and tapes: false verdicts are as rare as stated.

A repetition is the whole family under another study seed: other worlds, other runs. A verdict is false if it is neither
the expected one nor inconclusive. Holm keeps the chance of any false "violated" in a family at ALPHA, and of any false
"consistent" likewise; each is held to its binomial bound, which fails by chance with probability at most 1e-5.

SIMBENCH_LONG=full repeats 100 times, about a minute each on two cores; small does nothing, since few repetitions could
not tell.
"""

import os
from collections import Counter

import pytest
from scipy import stats

from simbench import registry
from simbench.study.judge import judge_all
from simbench.verify import Statistical
from simbench.verify.statistical import ALPHA

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
pytestmark = [pytest.mark.long, pytest.mark.skipif(not FULL, reason="SIMBENCH_LONG=full runs it")]

REPETITIONS = 100
FIRST_SEED = 1001
CLAIMS = [
    name
    for name, one in registry.everything("claim").items()
    if issubclass(one, Statistical) and one.__module__.startswith("simbench.theory.")
]


def test_false_verdicts_are_as_rare_as_stated(tmp_path):
    outcomes = {name: Counter() for name in CLAIMS}
    false = Counter()
    for seed in range(FIRST_SEED, FIRST_SEED + REPETITIONS):
        family = list(judge_all(CLAIMS, workers=os.cpu_count() or 2, out=tmp_path / str(seed), seed=seed))
        for verdict in family:
            outcomes[verdict.name][verdict.verdict] += 1
            if verdict.verdict not in (verdict.expected, "inconclusive"):
                print(f"seed {seed}\n{verdict}")
        for outcome in ("violated", "consistent"):
            false[outcome] += any(v.verdict == outcome != v.expected for v in family)
    print(*(f"{name}: {dict(counts)}" for name, counts in outcomes.items()), sep="\n")
    allowed = stats.binom.ppf(1 - 1e-5, REPETITIONS, ALPHA)
    assert max(false.values()) <= allowed, (false, outcomes)
