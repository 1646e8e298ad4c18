"""A claim in a file of one's own, in an empty folder: thirty lines, a name, a verdict."""

import subprocess
import sys

import pytest

CLAIM = '''import jax.numpy as jnp
import simbench as sb
from simbench import quantities as q


@sb.claim("tilt_is_small", source="me, Lemma 1")
class TiltIsSmall(sb.Upper):
    """KL(G(r)||ref) <= min(R/beta, R^2/(8 beta^2)) for rewards in [0, R].

    Measured: KL of the optimal policy. Controls: a fifth of the constant; rewards four times too large.
    """

    domain = sb.domains.Instances(
        sb.domains.Worlds(shapes=((1, 3),), ratio=(0.1, 20)), log_policy=sb.domains.Optimal()
    )
    tightness = 0.4
    controls = (
        sb.Control("a fifth of the constant", constant=0.2),
        sb.Control("four times the span", measured=lambda x: q.kl_ref(x.world, q.gibbs(x.world, 4 * x.world.reward))),
    )

    def measured(self, x):
        return q.kl_ref(x.world, x.log_policy)

    def theory(self, x):
        tilt = x.world.reward_bound / x.world.beta
        return jnp.minimum(tilt, tilt**2 / 8)
'''

SCRIPT = """
import simbench as sb
sb.load_plugin("my_claim.py")
verdict = sb.judge("tilt_is_small")
print(verdict)
assert verdict.as_expected and verdict.verdict == "consistent", verdict
import jax.numpy as jnp
assert jnp.ones(1).dtype == jnp.float32, "judging must leave the user's own JAX alone"
"""


@pytest.mark.thorough
def test_a_users_claim_of_thirty_lines_is_judged_from_an_empty_folder(tmp_path):
    assert len(CLAIM.splitlines()) <= 30
    (tmp_path / "my_claim.py").write_text(CLAIM)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "tilt_is_small  [me, Lemma 1]  upper" in done.stdout
    assert "refuted" in done.stdout
