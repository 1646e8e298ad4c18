"""float64 is a scope: inside, fifteen digits; outside, the user's own JAX as it was."""

import subprocess
import sys
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simbench.precision import Float32Error, entry_point, float64, require_float64, to_numpy

THIRD = np.array([1.0, 1 / 3])


@pytest.mark.thorough
def test_importing_simbench_changes_nothing():
    code = (
        "import simbench, simbench.bandit, simbench.worlds, simbench.tape, jax, jax.numpy as jnp\n"
        "assert jnp.ones(1).dtype == jnp.float32 and not jax.config.read('jax_enable_x64')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["errors", "precision", "registry", "named_files"])
def test_light_modules_import_nothing_heavy(module):
    code = (
        f"import sys, simbench.{module}\n"
        "heavy = {'jax', 'numba', 'pandas', 'scipy', 'numpy', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'{heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_scope_opens_nests_and_closes():
    assert jnp.ones(1).dtype == jnp.float32
    with float64():
        assert jnp.asarray(THIRD).dtype == jnp.float64
        with float64():
            assert float(jnp.asarray(THIRD)[1]) == 1 / 3
        assert jnp.ones(1).dtype == jnp.float64
    assert jnp.ones(1).dtype == jnp.float32


def test_the_scope_closes_after_an_error():
    with pytest.raises(ZeroDivisionError), float64():
        raise ZeroDivisionError
    assert jnp.ones(1).dtype == jnp.float32


def test_the_scope_belongs_to_its_thread():
    """A thread does not inherit it, and its own does not leak: entry points open the scope where they run."""
    seen = {}

    def work():
        seen["inherited"] = jnp.ones(1).dtype
        with float64():
            seen["own"] = jnp.ones(1).dtype

    with float64():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert jnp.ones(1).dtype == jnp.float64
    assert seen == {"inherited": jnp.float32, "own": jnp.float64}


def test_an_entry_point_computes_in_64_bits_and_returns_numpy():
    @entry_point
    def halves(x, *, scale=1.0):
        """Doc."""
        y = jnp.asarray(x) * scale
        return {"a": y, "b": [y.sum(), "text"], "c": None, "d": x}

    result = halves(THIRD, scale=0.5)
    assert halves.__name__ == "halves"
    assert halves.__doc__ == "Doc."
    assert type(result["a"]) is np.ndarray
    np.testing.assert_array_equal(result["a"], THIRD / 2)
    assert result["b"][0].dtype == np.float64
    assert result["b"][1] == "text"
    assert result["c"] is None
    assert result["d"] is THIRD
    assert jnp.ones(1).dtype == jnp.float32


def test_to_numpy_leaves_other_leaves_alone():
    marker = object()
    tree = {"x": (jnp.arange(3), marker), "y": 2.5}
    converted = to_numpy(tree)
    assert isinstance(converted["x"][0], np.ndarray)
    assert converted["x"][1] is marker
    assert converted["y"] == 2.5


def test_float32_is_refused_with_the_way_out():
    with pytest.raises(Float32Error, match=r"handed float32.*with sb\.float64\(\)"):
        require_float64(jnp.ones(2))
    with float64():
        require_float64(jnp.ones(2), THIRD, jnp.arange(3), True, 2)
        with pytest.raises(Float32Error, match="handed float32"):
            require_float64(jnp.ones(2), jnp.ones(2, dtype=jnp.float32))
        with pytest.raises(Float32Error, match="handed bfloat16"):
            require_float64(jnp.ones(2, dtype=jnp.bfloat16))


def test_tracers_are_checked_when_traced():
    @jax.jit
    def double(x):
        require_float64(x)
        return 2 * x

    with pytest.raises(Float32Error):
        double(jnp.ones(2))
    with float64():
        np.testing.assert_array_equal(double(jnp.asarray(THIRD)), 2 * THIRD)
