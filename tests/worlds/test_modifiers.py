"""What an environment adds to its worlds: sources, noise of the labels, a shift of the prompts."""

import numpy as np
import pytest
from scipy import stats

from simbench.errors import SimbenchError, UnknownNameError
from simbench.tape import instance_key
from simbench.worlds import environment_from_table, load_environment, make
from simbench.worlds.exact_gap import largest_gap, value_gap

SHAPE = {"prompts": 3, "responses": 4}
TABULAR = {"family": "random_tabular", "parameters": {**SHAPE, "beta": 0.25}}
FALSE_ALARM = 1e-7  # of each test of a law, over all tapes


def gaps_of(world):
    return np.array([value_gap(world, reward) for reward in world.sources])


# ---- sources


@pytest.mark.parametrize("number", [0, 1, 64])
def test_any_number_of_sources(number):
    world = make(TABULAR, sources={"number": number, "gap": 0.1})
    if number == 0:
        assert world.sources is None
        return
    assert world.sources.shape == (number, 3, 4)
    np.testing.assert_allclose(gaps_of(world), 0.1, rtol=0, atol=1e-12)
    assert world.sources.min() >= 0
    assert world.sources.max() <= 1
    assert len(np.unique(world.sources, axis=0)) == number  # random directions, each of its own


def test_sources_stay_when_their_number_grows_and_the_world_stays_when_there_are_any():
    few, many = (make(TABULAR, sources={"number": number, "gap": 0.1}) for number in (2, 5))
    np.testing.assert_array_equal(few.sources, many.sources[:2])
    np.testing.assert_array_equal(few.reward, make(TABULAR).reward)
    np.testing.assert_array_equal(few.log_ref, make(TABULAR).log_ref)


def test_gaps_and_directions_are_taken_in_turn():
    world = make(
        TABULAR, sources={"number": 5, "gap": [0.05, 0.1], "directions": ["reverse", "extreme", "random"]}
    )
    np.testing.assert_allclose(gaps_of(world), [0.05, 0.1, 0.05, 0.1, 0.05], rtol=0, atol=1e-12)
    alone = make(TABULAR, sources={"number": 1, "gap": 0.05, "directions": ["reverse"]})
    np.testing.assert_array_equal(world.sources[0], alone.sources[0])


def test_one_direction_and_gap_twice_is_one_source_twice_and_a_gap_of_zero_the_true_reward():
    world = make(TABULAR, sources={"number": 3, "gap": [0.1, 0.1, 0.0], "directions": ["reverse"]})
    np.testing.assert_array_equal(world.sources[0], world.sources[1])
    np.testing.assert_array_equal(world.sources[2], world.reward)


def test_gaps_may_be_evenly_spaced_and_relative_to_the_largest():
    spaced = make(TABULAR, sources={"number": 4, "gap": 0.02, "widest_gap": 0.08})
    np.testing.assert_allclose(gaps_of(spaced), [0.02, 0.04, 0.06, 0.08], rtol=0, atol=1e-12)
    share = make(
        TABULAR, sources={"number": 2, "gap": [1.0, 0.25], "relative": True, "directions": ["extreme"]}
    )
    best = largest_gap(share).lower
    np.testing.assert_allclose(gaps_of(share), [best, 0.25 * best], rtol=0, atol=1e-12)


def test_sources_follow_those_of_the_family():
    world = make("two_arms", rare_mass=0.3, sources={"gap": 0.01, "directions": ["reverse"]})
    np.testing.assert_array_equal(world.sources[0], make("two_arms").sources[0])
    assert gaps_of(world)[1] == pytest.approx(0.01, abs=1e-12)


def test_a_finite_class_is_enlarged_by_its_sources():
    plain = make("random_finite", members=8, **SHAPE)
    world = make("random_finite", members=8, **SHAPE, sources={"number": 3, "gap": 0.1})
    np.testing.assert_array_equal(world.reward_class, np.concatenate([plain.reward_class, world.sources]))


def test_what_cannot_be_reached_is_refused_with_what_can():
    best = largest_gap(make(TABULAR)).lower
    with pytest.raises(SimbenchError) as error:
        make(TABULAR, sources={"gap": 0.9})
    assert str(error.value) == (
        "environment, instance 0: sources.gap is 0.9 for source 0; 64 directions of 'random' reach at most "
        f"{reach(error):.6g}, and the largest gap found among rewards of span 1 is {best:.6g}: lower sources.gap "
        "(sources.relative = true counts in units of the largest)."
    )
    with pytest.raises(
        SimbenchError, match=r"for source 1; direction 'lower_rare' reaches .*'extreme' reaches all of it"
    ):
        make(TABULAR, sources={"number": 2, "gap": [0.001, 0.2], "directions": ["reverse", "lower_rare"]})
    with pytest.raises(SimbenchError, match=r"beta is 1e-13, too small for reward_bound 1"):
        make("random_tabular", **SHAPE, beta=1e-13, sources={"gap": 0.3})


def reach(error):
    return float(str(error.value).partition("at most ")[2].partition(",")[0])


SOURCE_FAULTS = {
    "direction": (
        {"directions": ["up"]},
        UnknownNameError,
        "modifier 'sources': no direction is called 'up'",
    ),
    "no direction": ({"directions": []}, SimbenchError, r"directions is \(\)|directions is \[\]"),
    "negative": ({"gap": -0.1}, SimbenchError, r"gap\.0 is -0\.1: .*greater than or equal to 0"),
    "one of them negative": ({"gap": [0.1, -0.1]}, SimbenchError, r"gap\.1 is -0\.1"),
    "text": ({"gap": "0.1"}, SimbenchError, r"gap\.0 is '0\.1': must be a number"),
    "none": ({"gap": []}, SimbenchError, "gap is"),
    "spaced list": (
        {"gap": [0.1, 0.2], "widest_gap": 0.3},
        SimbenchError,
        "widest_gap is 0.3 and gap a list",
    ),
    "fraction": ({"gap": 1.5, "relative": True}, SimbenchError, "gap is 1.5; a fraction of the largest gap"),
    "relative": ({"relative": 1}, SimbenchError, "relative is 1: .*boolean"),
    "number": ({"number": -1}, SimbenchError, "number is -1: .*greater than or equal to 0"),
    "radius": ({"radius": 0.0}, SimbenchError, r"radius is 0\.0"),
    "parameter": (
        {"gaps": 0.1},
        UnknownNameError,
        "modifier 'sources' has no parameter 'gaps'. Did you mean 'gap'",
    ),
}


@pytest.mark.parametrize("fault", SOURCE_FAULTS)
def test_impossible_sources_are_refused_before_anything_is_drawn(fault):
    table, kind, sentence = SOURCE_FAULTS[fault]
    with pytest.raises(kind, match=sentence) as error:
        environment_from_table({**TABULAR, "sources": table}, "study.toml")
    assert str(error.value).startswith("study.toml: ")


# ---- correlated sources


def test_correlations_are_exact_on_every_prompt():
    wanted = [0.0, 0.3, 0.6, 0.9, 1.0, -1.0, -0.5]
    world = make("correlated_sources", correlated_sources={"correlations": wanted})
    for source, correlation in zip(world.sources, wanted, strict=True):
        found = [np.corrcoef(source[s], world.reward[s])[0, 1] for s in range(world.prompts)]
        np.testing.assert_allclose(found, correlation, rtol=0, atol=1e-12)
    assert world.sources.min() >= 0
    assert world.sources.max() <= 1


def test_correlated_sources_are_refused_where_there_is_no_correlation():
    with pytest.raises(SimbenchError, match="needs at least 3 responses and this world has 2"):
        make("two_arms", correlated_sources={})
    with pytest.raises(SimbenchError, match="the true reward of prompt 0 is constant"):
        make("needle", background=1.0, correlated_sources={})
    with pytest.raises(SimbenchError, match=r"correlations\.1 is 1\.1: .*less than or equal to 1"):
        make("random_tabular", correlated_sources={"correlations": [0.5, 1.1]})


# ---- noise


def test_noise_is_a_careless_annotator():
    world = make("noisy_labels", noise={"flip": 0.1, "temperature": 2.0})
    for s, a, b in ((0, 1, 2), (3, 0, 0), (4, 9, 7)):
        decided = 1 / (1 + np.exp(-(world.reward[s, a] - world.reward[s, b]) / 2.0))
        assert world.prefs[s, a, b] == pytest.approx(0.9 * decided + 0.1 * (1 - decided), rel=1e-14)
    np.testing.assert_allclose(world.prefs + np.swapaxes(world.prefs, 1, 2), 1.0, rtol=0, atol=1e-15)


def test_no_noise_is_bradley_terry_itself_and_full_noise_a_coin():
    assert make("noisy_labels", noise={"flip": 0.0, "temperature": 1.0}).prefs is None
    np.testing.assert_array_equal(make("noisy_labels", noise={"flip": 0.5}).prefs, 0.5)


def test_flips_compose_with_the_preferences_of_a_file(tmp_path):
    prefs = np.array([[[0.5, 0.9], [0.1, 0.5]]])
    np.savez(tmp_path / "w.npz", ref=[[0.5, 0.5]], reward=[[0.2, 0.4]], beta=1.0, prefs=prefs)
    table = {"family": "file", "parameters": {"path": str(tmp_path / "w.npz")}}
    np.testing.assert_allclose(make(table, noise={"flip": 0.25}).prefs, 0.25 + 0.5 * prefs, rtol=1e-15)
    with pytest.raises(
        SimbenchError, match=r"noise\.temperature is 2\.0; this world has preferences of its own"
    ):
        make(table, noise={"temperature": 2.0})


def test_noise_refusals():
    with pytest.raises(SimbenchError, match=r"flip is 0\.6: .*less than or equal to 0\.5"):
        make("noisy_labels", noise={"flip": 0.6})
    with pytest.raises(SimbenchError, match=r"table of preferences \[S, A, A\], 98,000,000 cells"):
        make("random_tabular", prompts=2, responses=7000, noise={"flip": 0.1})


# ---- shift


def test_shifted_prompts_are_a_mixture_with_a_dirichlet():
    amount, shares = 0.25, []
    for instance in range(150):
        world = make(
            "prompt_shift", instance=instance, prompts=3, shift={"amount": amount, "concentration": 2.0}
        )
        drawn = (world.train_rho - (1 - amount) * world.rho) / amount
        assert drawn.min() > -1e-12
        assert np.abs(world.train_rho - world.rho).sum() / 2 <= amount
        shares.append(drawn[1])
    assert stats.kstest(shares, stats.beta(2, 4).cdf).pvalue > FALSE_ALARM


def test_no_shift_and_no_second_shift(tmp_path):
    assert make("prompt_shift", shift={"amount": 0.0}).train_rho is None
    np.savez(tmp_path / "w.npz", ref=[[0.5, 0.5]], reward=[[0.2, 0.4]], beta=1.0, train_rho=[1.0])
    with pytest.raises(SimbenchError, match="this world has a train_rho already"):
        make({"family": "file", "parameters": {"path": str(tmp_path / "w.npz")}}, shift={})


# ---- tables of an environment


def test_overrides_may_be_tables_or_dotted_and_leave_the_rest():
    environment = load_environment("rare_optimum_equal_gaps")
    nested = environment.build({"sources": {"gap": 0.2}}).modifiers["sources"]
    dotted = environment.build({"sources.gap": 0.2}).modifiers["sources"]
    assert nested == dotted
    assert (nested.gap, nested.number) == ((0.2,), 4)
    assert environment.build().modifiers["sources"].gap == (0.3,)
    added = environment.build({"noise.flip": 0.1}).modifiers
    assert list(added) == ["noise", "sources"]


def test_the_identity_holds_every_parameter_of_the_modifiers():
    environment = load_environment("noisy_labels")
    assert environment.identity()["modifiers"] == {"noise": {"flip": 0.1, "temperature": 2.0}}
    assert environment.identity({"noise.flip": 0.2}) != environment.identity()
    assert environment.identity({"shift.amount": 0.2})["modifiers"]["shift"]["concentration"] == 1.0
    assert "modifiers" not in load_environment("small_random").identity()


def test_an_environments_table_builds_it_again():
    """What a worker is handed: the table under overrides draws the same world."""
    environment = load_environment("noisy_labels")
    overrides = {
        "beta": 0.3,
        "noise.flip": 0.2,
        "sources": {"number": 2, "gap": 0.05},
        "responses": 4,
        "prompts": 3,
    }
    again = environment_from_table(environment.table(overrides), "worker")
    one, other = environment.draw(instance=2, overrides=overrides), again.draw(instance=2)
    for name in ("reward", "prefs", "sources", "beta"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert again.identity() == environment.identity(overrides)


def test_modifiers_do_not_depend_on_the_order_in_which_they_are_written():
    tables = {"noise": {"flip": 0.1}, "shift": {"amount": 0.5}, "sources": {"gap": 0.1}}
    worlds = [
        make({**TABULAR, **{name: tables[name] for name in order}}) for order in (tables, reversed(tables))
    ]
    for name in ("prefs", "train_rho", "sources"):
        np.testing.assert_array_equal(getattr(worlds[0], name), getattr(worlds[1], name))


def test_tables_that_are_none_are_refused():
    with pytest.raises(UnknownNameError, match=r"no modifier is called 'souces'\. Did you mean 'sources'"):
        make(TABULAR, **{"souces.gap": 0.1})
    with pytest.raises(SimbenchError, match=r"sources is 3; it must be a table of the modifier's parameters"):
        make(TABULAR, sources=3)
    with pytest.raises(UnknownNameError, match=r"unknown key 'nose'\. Did you mean 'noise'"):
        environment_from_table({**TABULAR, "nose": {"flip": 0.1}}, "t")


def test_a_modified_family_draws_from_the_key_alone():
    family = environment_from_table({**TABULAR, "sources": {"gap": 0.1}}, "t").build()
    one, other = (family.draw(instance_key(seed=1, instance=1)) for _ in range(2))
    np.testing.assert_array_equal(one.sources, other.sources)
    assert not np.array_equal(one.sources, family.draw(instance_key(seed=1, instance=2)).sources)
