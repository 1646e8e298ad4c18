"""A user's own world: what is read is what was written, and every fault is one sentence that says where."""

import csv

import numpy as np
import pytest

from simbench.bandit import Bandit
from simbench.bandit.bandit import ARRAY_FIELDS
from simbench.errors import SimbenchError
from simbench.worlds import environment_from_table, make
from simbench.worlds.world_file import SourceOutsideWarning

CELL = ["prompt", "response", "rho", "train_rho", "ref", "reward"]
HEADER = [*CELL, "feature_0", "feature_1", "source_0", "class_0", "class_1"]


def drawn() -> Bandit:
    world = make("small_random", instance=1)
    generator = np.random.default_rng(0)
    cells = world.reward.shape
    return world.replace(
        features=generator.normal(size=(*cells, 2)),
        sources=generator.uniform(size=(1, *cells)),
        reward_class=np.stack([generator.uniform(size=cells), world.reward]),
        train_rho=world.rho[::-1],
        beta=0.3,
    )


def rows_of(world: Bandit) -> list[list]:
    return [
        [
            s,
            a,
            world.rho[s],
            world.train_rho[s],
            np.exp(world.log_ref[s, a]),
            world.reward[s, a],
            *world.features[s, a],
            world.sources[0, s, a],
            *world.reward_class[:, s, a],
        ]
        for s in range(world.prompts)
        for a in range(world.responses)
    ]


def write_csv(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def load(path, **parameters):
    return make({"family": "file", "parameters": {"path": str(path), **parameters}})


def assert_same(one: Bandit, other: Bandit):
    for name in ARRAY_FIELDS:
        left, right = getattr(one, name), getattr(other, name)
        assert (left is None) == (right is None), name
        if left is not None:
            np.testing.assert_allclose(left, right, rtol=0, atol=1e-14, err_msg=name)


def test_csv_gives_back_the_world_that_was_written(tmp_path):
    world = drawn()
    assert_same(load(write_csv(tmp_path / "w.csv", HEADER, rows_of(world)), beta=0.3), world)


def test_npz_gives_back_the_world_that_was_written(tmp_path):
    world = drawn()
    scores = world.reward
    prefs = 1 / (1 + np.exp(scores[:, None, :] - scores[:, :, None]))
    world = world.replace(prefs=prefs)
    np.savez(tmp_path / "w.npz", **{name: getattr(world, name) for name in ARRAY_FIELDS})
    assert_same(load(tmp_path / "w.npz"), world)


def test_parameters_win_over_the_file(tmp_path):
    world = drawn()
    np.savez(tmp_path / "w.npz", ref=np.exp(world.log_ref), reward=world.reward, beta=0.3, reward_bound=1.0)
    read = load(tmp_path / "w.npz", beta=0.7, reward_bound=2.0)
    assert (float(read.beta), float(read.reward_bound)) == (0.7, 2.0)


def test_every_instance_of_a_file_is_the_same_world(tmp_path):
    table = {"family": "file", "parameters": {"path": str(tmp_path / "w.csv"), "beta": 0.3}}
    write_csv(tmp_path / "w.csv", HEADER, rows_of(drawn()))
    assert_same(make(table, instance=0), make(table, instance=5, seed=9))


def test_without_rho_prompts_weigh_the_same_and_zero_mass_is_missing_support(tmp_path):
    rows = [[0, 0, 0.0, 0.1], [0, 1, 1.0, 0.2], [1, 0, 0.25, 0.3], [1, 1, 0.75, 0.4]]
    world = load(write_csv(tmp_path / "w.csv", ["prompt", "response", "ref", "reward"], rows), beta=1.0)
    np.testing.assert_array_equal(world.rho, [0.5, 0.5])
    np.testing.assert_array_equal(world.log_ref[0], [-np.inf, 0.0])


def test_printed_decimals_are_normalised_exactly(tmp_path):
    rows = [[0, a, 0.3333333, 0.1] for a in range(3)]
    world = load(write_csv(tmp_path / "w.csv", ["prompt", "response", "ref", "reward"], rows), beta=1.0)
    np.testing.assert_allclose(np.exp(world.log_ref).sum(-1), 1.0, rtol=0, atol=1e-15)
    np.testing.assert_allclose(world.log_ref, -np.log(3.0), rtol=0, atol=1e-15)


def test_log_ref_stands_for_ref_and_may_be_minus_infinity(tmp_path):
    rows = [[0, 0, "-inf", 0.1], [0, 1, 0.0, 0.2]]
    world = load(write_csv(tmp_path / "w.csv", ["prompt", "response", "log_ref", "reward"], rows), beta=1.0)
    np.testing.assert_array_equal(world.log_ref, [[-np.inf, 0.0]])


def test_spreadsheet_habits_are_understood(tmp_path):
    (tmp_path / "w.CSV").write_text(
        "\ufeffprompt, response,ref,reward\r\n0, 0,1.0,0.5\r\n\r\n", encoding="utf-8"
    )
    assert load(tmp_path / "w.CSV", beta=1.0).reward.tolist() == [[0.5]]


def test_the_identity_of_an_environment_notices_that_the_file_changed(tmp_path):
    path = write_csv(tmp_path / "w.csv", HEADER, rows_of(drawn()))
    environment = environment_from_table(
        {"family": "file", "parameters": {"path": str(path), "beta": 1.0}}, "t"
    )
    before = environment.identity()
    assert before == environment.identity()
    path.write_text(path.read_text() + "\n")
    assert environment.identity() != before


GOOD = [["prompt", "response", "rho", "ref", "reward"]] + [
    [s, a, 0.5, 0.25 + 0.5 * a, 0.1 * (s + a)] for s in range(2) for a in range(2)
]


def edited(*edits, header=None):
    """GOOD with entries (line, column) replaced; line 1 is the header."""
    lines = [list(row) for row in GOOD]
    for line, column, value in edits:
        lines[line - 1][column] = value
    if header is not None:
        lines[0] = header
    return lines


def without(column):
    at = GOOD[0].index(column)
    return [[entry for i, entry in enumerate(row) if i != at] for row in GOOD]


def plus(column, value=0.0):
    return [GOOD[0] + [column], *([*row, value] for row in GOOD[1:])]


CSV_FAULTS = {
    "no prompt column": (without("prompt"), "the column 'prompt' is missing"),
    "no response column": (without("response"), "the column 'response' is missing"),
    "no reward": (without("reward"), "the column 'reward' is missing"),
    "no ref": (without("ref"), "the column 'ref' .* or 'log_ref' .* is missing"),
    "both refs": (plus("log_ref"), "has both 'ref' and 'log_ref'"),
    "unknown column": (plus("rewards"), "unknown column 'rewards'. Did you mean 'reward'"),
    "repeated column": (plus("ref"), "the column 'ref' appears twice"),
    "gap in features": (plus("feature_1"), "the column 'feature_0' is missing"),
    "feature_01": (plus("feature_01"), "unknown column 'feature_01'. Did you mean 'feature_0'"),
    "a word": (edited((3, 4, "high")), "line 3, column reward: 'high' is not a number"),
    "an empty entry": (edited((3, 4, "")), "line 3, column reward: '' is not a number"),
    "NaN": (edited((4, 3, "nan")), "line 4, column ref: 'nan' is not a finite number"),
    "infinite": (edited((4, 4, "inf")), "line 4, column reward: 'inf' is not a finite number"),
    "fractional index": (edited((4, 1, "0.5")), "line 4, column response: '0.5' is not a whole number"),
    "negative index": (edited((2, 0, "-1")), "line 2, column prompt: '-1' is not a whole number"),
    "duplicate": (edited((3, 1, 0)), "line 3: prompt 0, response 0 is already in line 2"),
    "unsorted": (edited((2, 1, 1), (3, 1, 0)), "line 3: prompt 0, response 0 comes after .* sort the rows"),
    "hole": (GOOD[:3] + GOOD[4:], "prompt 1, response 0 is missing"),
    "short last prompt": (GOOD[:4], "prompt 1, response 1 is missing"),
    "prompts from 1": (
        edited((2, 0, 1), (3, 0, 1), (4, 0, 2), (5, 0, 2)),
        "prompt 0, response 0 is missing",
    ),
    "short row": ([*GOOD[:2], [0, 1], *GOOD[3:]], "line 3: 2 entries, but the header names 5"),
    "ref not normalised": (edited((5, 3, 0.7)), "ref of prompt 1 has probabilities that sum to 0.95"),
    "ref negative": (edited((2, 3, -0.25)), r"ref\[0, 0\] is -0.25; probabilities lie in \[0, 1\]"),
    "ref all zero": (edited((2, 3, 0), (3, 3, 0)), "ref of prompt 0 has probabilities that sum to 0"),
    "rho disagrees": (edited((5, 2, 0.4)), "line 5, column rho: 0.4, but prompt 1 began with 0.5"),
    "rho does not sum": (edited(*((i, 2, 0.4) for i in (2, 3, 4, 5))), "rho sums to 0.8"),
    "train_rho disagrees": (
        [[*row[:2], t, *row[2:]] for row, t in zip(GOOD, ["train_rho", 0.5, 0.4, 0.5, 0.5], strict=True)],
        "line 3, column train_rho: 0.4, but prompt 0 began with 0.5",
    ),
    "gap in the class": (plus("class_1"), "the column 'class_0' is missing"),
    "train_rho does not sum": (plus("train_rho", 0.4), "train_rho sums to 0.8"),
    "rho negative": (edited((2, 2, -0.5), (3, 2, -0.5), (4, 2, 1.5), (5, 2, 1.5)), r"rho\[0\] is -0.5"),
    "reward out of range": (edited((2, 4, 3)), r"reward ranges over \[0.1, 3\]"),
    "only a header": (GOOD[:1], "has no rows"),
    "nothing": ([], "has no rows"),
}


@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_faulty_csv(tmp_path, fault):
    lines, sentence = CSV_FAULTS[fault]
    path = tmp_path / "world.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    with pytest.raises(SimbenchError, match=sentence) as error:
        load(path, beta=0.5)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_and_quotes_that_never_close(tmp_path):
    (tmp_path / "latin.csv").write_bytes(b"prompt,response,ref,reward\n0,0,1.0,\xe9\n")
    with pytest.raises(SimbenchError, match=r"latin\.csv is not UTF-8"):
        load(tmp_path / "latin.csv", beta=1.0)
    (tmp_path / "quote.csv").write_text('prompt,response,ref,reward\n0,0,1.0,"0.5\n')
    with pytest.raises(SimbenchError, match=r"quote\.csv, line 2: not valid CSV"):
        load(tmp_path / "quote.csv", beta=1.0)


ARRAYS = {"ref": np.full((2, 2), 0.5), "reward": np.full((2, 2), 0.3), "rho": np.full(2, 0.5), "beta": 0.5}

NPZ_FAULTS = {
    "no reward": ({"reward": None}, "the array 'reward' is missing"),
    "no ref": ({"ref": None}, "the array 'ref' .* is missing"),
    "both": ({"log_ref": np.log(ARRAYS["ref"])}, "has both 'ref' and 'log_ref'"),
    "unknown": ({"feature": np.zeros((2, 2, 1))}, "unknown array 'feature'. Did you mean 'features'"),
    "no beta": ({"beta": None}, "beta is missing; set it in the parameters"),
    "shape of reward": (
        {"reward": np.zeros((2, 3))},
        r"reward has shape \(2, 3\); .* must have shape \(2, 2\)",
    ),
    "shape of ref": ({"ref": np.full(2, 0.5)}, r"log_ref has shape \(2,\)"),
    "empty ref": ({"ref": np.zeros((0, 2))}, r"log_ref has shape \(0, 2\)"),
    "scalar ref": ({"ref": 1.0}, r"log_ref has shape \(\)"),
    "shape of rho": ({"rho": np.full((2, 1), 0.5)}, r"rho has shape \(2, 1\)"),
    "NaN": ({"reward": np.array([[0, 0], [np.nan, 0]])}, r"reward\[1, 0\] is nan"),
    "NaN in ref": ({"ref": np.array([[0.5, np.nan], [0.5, 0.5]])}, r"ref\[0, 1\] is nan"),
    "NaN in log_ref": ({"ref": None, "log_ref": np.full((2, 2), np.nan)}, r"log_ref\[0, 0\] is nan"),
    "infinite log_ref": ({"ref": None, "log_ref": np.full((2, 2), np.inf)}, "sum to inf"),
    "log_ref without support": ({"ref": None, "log_ref": np.full((2, 2), -np.inf)}, "sum to 0"),
    "complex": ({"reward": np.full((2, 2), 0.3 + 0j)}, "array 'reward' holds complex128 entries"),
    "text": ({"reward": np.full((2, 2), "0.3")}, "array 'reward' holds <U3 entries"),
    "objects": ({"reward": np.full((2, 2), None)}, "array 'reward' is damaged, or holds no numbers"),
    "vector beta": ({"beta": np.ones(2)}, r"beta has shape \(2,\).* must be one number"),
    "negative beta": ({"beta": -1.0}, "beta is -1.0; it must be a finite number > 0"),
    "not normalised": ({"ref": np.full((2, 2), 0.4)}, "ref of prompt 0 has probabilities that sum to 0.8"),
    "prefs": ({"prefs": np.full((2, 2, 2), 0.4)}, r"prefs\[0, 0, 0\] \+ prefs\[0, 0, 0\] is 0.8"),
}


@pytest.mark.parametrize("fault", NPZ_FAULTS)
def test_faulty_npz(tmp_path, fault):
    changes, sentence = NPZ_FAULTS[fault]
    arrays = {name: array for name, array in {**ARRAYS, **changes}.items() if array is not None}
    path = tmp_path / "world.npz"
    np.savez(path, **arrays)
    with pytest.raises(SimbenchError, match=sentence) as error:
        load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_npz_file(tmp_path):
    for name, content in (("empty", b""), ("text", b"hello there"), ("zip", b"PK\x03\x04broken")):
        (tmp_path / f"{name}.npz").write_bytes(content)
        with pytest.raises(SimbenchError, match=rf"{name}\.npz is not an npz file"):
            load(tmp_path / f"{name}.npz", beta=1.0)
    np.save(tmp_path / "single.npy", np.zeros(3))
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    with pytest.raises(SimbenchError, match=r"single\.npz is not an npz file"):
        load(tmp_path / "single.npz", beta=1.0)


def test_missing_and_strange_paths(tmp_path):
    with pytest.raises(SimbenchError, match=r"world file .*gone\.csv does not exist"):
        load(tmp_path / "gone.csv")
    with pytest.raises(SimbenchError, match=r"ends in '\.xlsx'; it must be one of \.csv, \.npz"):
        load(tmp_path / "w.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SimbenchError, match=r"folder\.csv does not exist"):
        load(tmp_path / "folder.csv")


def test_sources_outside_the_range_are_named(tmp_path):
    """One sentence per source: which, its range, the bound; and the world is the one that was written."""
    world = drawn()
    moved = world.replace(
        sources=np.stack([world.sources[0], world.sources[0] - 0.5, 3.0 * world.sources[0]])
    )
    path = tmp_path / "far.npz"
    np.savez(
        path, **{name: getattr(moved, name) for name in ARRAY_FIELDS if getattr(moved, name) is not None}
    )
    with pytest.warns(SourceOutsideWarning) as caught:
        assert_same(load(path), moved)
    told = [str(warning.message) for warning in caught]
    assert len(told) == 2
    for text, w in zip(told, (1, 2), strict=True):
        low, high = moved.sources[w].min(), moved.sources[w].max()
        assert text.startswith(
            f"{path}: source {w} ranges over [{low:g}, {high:g}], outside [0, reward_bound] = [0, 1]"
        )
