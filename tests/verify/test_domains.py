"""Every point of the cube is a world: valid, normalised, inside the class that the domain's name promises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simbench.bandit import Bandit, require_log_policy
from simbench.bandit.bandit import ARRAY_FIELDS
from simbench.compiling import QUICK_COMPILE
from simbench.verify import Instance, family, traced_world
from simbench.verify.ball import enclose
from simbench.verify.domains import (
    Free,
    Gibbs,
    Instances,
    Mixture,
    Optimal,
    Reference,
    Reward,
    Scalar,
    Worlds,
    log_between,
)
from simbench.verify.sampling import corner_points, grid_points, random_points

RICH = Worlds(shapes=((2, 3),), missing=0.3, features=2, general_preferences=True)
PARTS = {
    "gibbs": Gibbs(),
    "mixture": Mixture(3),
    "free": Free(),
    "optimal": Optimal(),
    "reference": Reference(),
    "estimate": Reward(),
    "far": Gibbs(stretch=4.0),
    "family": Gibbs(count=2),
    "budget": Scalar(0.1, 3.0, log=True),
    "share": Scalar(-1.0, 2.0),
}
DOMAIN = Instances(RICH, **PARTS)


def _instances(shape, count=120):
    points = np.concatenate(
        [random_points("test", DOMAIN, shape, count), corner_points("test", DOMAIN, shape, count)]
    )
    build = jax.jit(jax.vmap(lambda u: DOMAIN.instance(shape, u)))
    batch = build.lower(points).compile(compiler_options=QUICK_COMPILE)(points)
    return jax.tree.map(np.asarray, batch), len(points)


@pytest.fixture(scope="module", params=RICH.shapes)
def batch(request):
    from simbench.precision import float64

    with float64():
        return _instances(request.param)


def test_worlds_are_valid_bandits(batch):
    instances, count = batch
    for i in range(count):
        fields = {name: getattr(instances.world, name) for name in ARRAY_FIELDS}
        world = Bandit(**{name: value[i] for name, value in fields.items() if value is not None})
        for name in ("gibbs", "mixture", "free", "optimal", "reference", "far", "family"):
            require_log_policy(world, getattr(instances, name)[i], name)


def test_policies_keep_to_the_reference_support(batch):
    instances, _ = batch
    missing = np.isneginf(instances.world.log_ref)
    assert missing.any()
    assert not missing.all(axis=-1).any()
    for name in ("gibbs", "mixture", "free", "optimal", "far"):
        assert np.isneginf(getattr(instances, name)[missing]).all(), name


def test_gibbs_and_mixtures_stay_within_the_class_and_others_do_not(batch):
    instances, _ = batch
    supported = ~np.isneginf(instances.world.log_ref)
    bound = (instances.world.reward_bound / instances.world.beta)[:, None, None]

    def furthest(policy):
        ratio = np.where(supported, policy - np.where(supported, instances.world.log_ref, 0), 0)
        return (np.abs(ratio) / bound).max()

    assert furthest(instances.gibbs) <= 1 + 1e-9
    assert furthest(instances.mixture) <= 1 + 1e-9
    assert furthest(instances.far) > 1.5
    assert furthest(instances.free) > 5


def test_vertices_and_ranges_are_reached(batch):
    instances, _ = batch
    bound = instances.world.reward_bound[:, None, None]
    assert (instances.world.reward == bound).any()
    assert (instances.world.reward == 0).any()
    ratio = instances.world.reward_bound / instances.world.beta
    assert ratio.min() == pytest.approx(RICH.ratio[0])
    assert ratio.max() == pytest.approx(RICH.ratio[1])
    assert instances.world.log_ref[np.isfinite(instances.world.log_ref)].min() < -45
    assert instances.budget.min() == pytest.approx(0.1)
    assert instances.share.max() == pytest.approx(2.0)


def test_probabilities_sum_to_one_exactly_over_the_reals():
    shape = (2, 3)
    u = random_points("test", DOMAIN, shape, 4)[2]

    def sums(u):
        x = DOMAIN.instance(shape, u)
        return [jnp.exp(p).sum(-1) - 1 for p in (x.world.log_ref, x.gibbs, x.mixture, x.free)] + [
            x.world.rho.sum() - 1
        ]

    for ball in enclose(jax.make_jaxpr(sums)(u), [u], precision=256):
        assert all(b.contains(0) and b.rad() < 1e-70 for b in ball.flat)


def test_samples_come_from_the_tape_and_hold_near_coincidences():
    domain, shape = Instances(Worlds(), log_policy=Gibbs()), (3, 4)
    points = random_points("a", domain, shape, 400)
    np.testing.assert_array_equal(points, random_points("a", domain, shape, 400))
    assert not np.array_equal(points, random_points("b", domain, shape, 400))
    assert points.min() >= 0
    assert points.max() <= 1
    blocks, start = {}, 0
    for name, size in domain.coordinates(shape).items():
        blocks[name] = slice(start, start + int(np.prod(size)))
        start += int(np.prod(size))
    distance = np.abs(points[:, blocks["reward"]] - points[:, blocks["log_policy.reward"]]).max(axis=1)
    assert (distance < 1e-6).mean() > 0.05
    corners = corner_points("a", domain, shape, 100)
    assert set(np.unique(corners)) == {0.0, 0.5, 1.0}


def test_grids_hold_both_ends_of_every_coordinate():
    @family(a=(0.0, 1.0), b=(2.0, 3.0), c=(0.0, 1.0, (2,)))
    def small(a, b, c):
        return Instance(world=None, a=a, b=b, c=c)

    assert small.dimension(()) == 4
    grid = grid_points(small, (), 200)
    assert {tuple(row) for row in grid} >= {(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 1)}
    x = small.instance((), jnp.array([0.5, 0.5, 0.0, 1.0]))
    assert float(x.b) == 2.5
    assert x.c.tolist() == [0.0, 1.0]


def test_log_between_reaches_its_ends():
    assert [float(log_between(0.2, 5.0, u)) for u in (0.0, 0.5, 1.0)] == pytest.approx([0.2, 1.0, 5.0])


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: Worlds(ratio=(1.0, np.inf)), "does not run to infinity"),
        (lambda: Worlds(ratio=(0.0, 1.0)), "0 < low"),
        (lambda: Worlds(shapes=((0, 2),)), "S, A >= 1"),
        (lambda: Worlds(missing=1.0), "fraction"),
        (lambda: Worlds(ref_depth=1e4), "0, 600. nats"),
        (lambda: Scalar(0.0, 1.0, log=True), "0 < low"),
        (lambda: Mixture(1), "at least 2"),
        (lambda: Instances(log_policy=Gibbs), "must be a Part"),
        (lambda: Instances(world=Gibbs()), "cannot be called 'world'"),
        (lambda: family(a=(0.0, 1.0))(lambda b: None), "must agree"),
        (lambda: family(a=(0.0, np.inf)), "does not run to infinity"),
        (lambda: traced_world(rho=1, reward_bond=2), "Did you mean 'reward_bound'"),
        (lambda: Instance(world=1, log_policy=2).log_polcy, "Did you mean 'log_policy'"),
    ],
)
def test_impossible_domains_are_refused_in_a_sentence(build, complaint):
    with pytest.raises(ValueError, match=complaint):
        build()
