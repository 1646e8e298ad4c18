"""Names resolve in the working directory, then in what was shipped; files that cannot be read say why."""

from pathlib import Path

import pytest

from simbench import named_files
from simbench.errors import SimbenchError, UnknownNameError
from simbench.named_files import find, folders, names, read_toml, require_keys

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A package installed in site-packages, carrying one environment, and a working directory without any."""
    package, here = tmp_path / "site" / "simbench", tmp_path / "here"
    (package / "_data" / "environments").mkdir(parents=True)
    (package / "_data" / "environments" / "shipped.toml").write_text("shipped = 1")
    (package / "_data" / "paper_figures").mkdir()
    (package / "_data" / "paper_figures" / "regret.py").write_text("")
    (package / "_data" / "paper_figures" / "_style.py").write_text("")
    here.mkdir()
    monkeypatch.setattr(named_files, "_PACKAGE", package)
    monkeypatch.chdir(here)
    return tmp_path


def write(folder: Path, name: str, text: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_checkout_finds_its_own_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in (CHECKOUT / "environments").glob("*.toml"):
        assert find("environments", file.stem) == file
        assert file.stem in names("environments")


def test_a_wheel_finds_what_it_carries(elsewhere):
    assert names("environments") == ["shipped"]
    assert find("environments", "shipped").read_text() == "shipped = 1"


def test_your_own_file_comes_first(elsewhere):
    mine = write(elsewhere / "here" / "environments", "shipped.toml", "mine = 1")
    other = write(elsewhere / "here" / "environments", "another.toml")
    assert find("environments", "shipped") == mine
    assert find("environments", "another") == other
    assert names("environments") == ["another", "shipped"]
    assert [folder.parent.name for folder in folders("environments")] == ["here", "_data"]


def test_a_checkout_is_searched_last_and_strangers_in_site_packages_never(elsewhere):
    stray = write(elsewhere / "site" / "environments", "stray.toml")
    assert names("environments") == ["shipped"]
    write(elsewhere / "site", "pyproject.toml")
    assert names("environments") == ["shipped", "stray"]
    assert find("environments", "stray") == stray


def test_working_in_the_checkout_lists_each_folder_once(monkeypatch):
    monkeypatch.chdir(CHECKOUT)
    assert folders("environments") == [CHECKOUT / "environments"]


def test_only_files_of_the_kind_count_and_underscores_are_private(elsewhere):
    here = elsewhere / "here" / "environments"
    write(here, "notes.md")
    write(here, "_draft.toml")
    write(here, ".hidden.toml")
    (here / "folder.toml").mkdir()
    assert names("environments") == ["shipped"]
    assert names("paper_figures") == ["regret"]
    assert find("paper_figures", "regret").name == "regret.py"
    assert names("experiments") == []


def test_a_path_is_that_file(elsewhere, monkeypatch):
    file = write(elsewhere / "work", "mine.toml")
    assert find("environments", str(file)) == file
    assert find("environments", file) == file
    monkeypatch.chdir(elsewhere / "work")
    assert find("environments", "mine.toml") == Path("mine.toml")
    assert find("environments", "../work/mine.toml").samefile(file)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("shiped", "no environment is called 'shiped'.*Did you mean 'shipped'"),
        ("zzz", r"no environment is called 'zzz'.*Known: shipped\."),
        ("", "no environment is called ''"),
        ("../here/x", r"no environment is called '\.\./here/x'"),
        ("a b", "no environment is called 'a b'"),
    ],
)
def test_unknown_names_offer_the_nearest(elsewhere, name, sentence):
    with pytest.raises(UnknownNameError, match=sentence):
        find("environments", name)


def test_paths_without_a_file_say_so(elsewhere):
    with pytest.raises(SimbenchError, match=r"experiment file gone\.toml does not exist"):
        find("experiments", "gone.toml")
    (elsewhere / "here" / "folder.toml").mkdir()
    with pytest.raises(SimbenchError, match=r"environment file folder\.toml is a folder"):
        find("environments", "folder.toml")


def test_a_name_with_a_suffix_is_answered_with_the_name(elsewhere):
    with pytest.raises(SimbenchError, match=r"file shipped\.toml does not exist\. .* is called 'shipped'"):
        find("environments", "shipped.toml")


@pytest.mark.parametrize("name", [3, None, ["shipped"]])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(
        SimbenchError, match=r"environment is .*; it must be a name or the path of a \.toml file"
    ):
        find("environments", name)


def test_unknown_kinds_are_refused():
    for call in (lambda: names("environment"), lambda: find("environment", "x")):
        with pytest.raises(
            UnknownNameError, match=r"'environment' is no kind of named file\. Did you mean 'environments'"
        ):
            call()


def test_nothing_known_at_all(elsewhere):
    with pytest.raises(UnknownNameError, match=r"no experiment is called 'x'.*None are known"):
        find("experiments", "x")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a = 1\nb = = 2\n", "line 2, column 5: not valid TOML: invalid value"),
        ("a = 1\na = 2\n", "line 2, column 6: not valid TOML: cannot overwrite"),
        ("[table\n", "line 1, column 7: not valid TOML: expected"),
        ('a = "open', "line 1, column 10: not valid TOML: unterminated"),
        ("a = 1\nb", "line 2, column 2: not valid TOML: expected"),
        ("x = 2024-99-99\n", "line 1, column .*: not valid TOML"),
    ],
)
def test_malformed_toml_names_file_line_and_column(tmp_path, text, sentence):
    file = write(tmp_path, "study.toml", text)
    with pytest.raises(SimbenchError, match=sentence) as error:
        read_toml(file)
    assert str(error.value).startswith(f"{file}, line ")
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read_say_why(tmp_path):
    with pytest.raises(SimbenchError, match=r"gone\.toml cannot be read: No such file"):
        read_toml(tmp_path / "gone.toml")
    with pytest.raises(SimbenchError, match="cannot be read: Is a directory"):
        read_toml(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'a = "\xe9"')
    with pytest.raises(SimbenchError, match=r"latin\.toml is not UTF-8 text \(byte 5 is 0xe9\)"):
        read_toml(tmp_path / "latin.toml")


def test_good_toml_is_read_whatever_its_line_ends(tmp_path):
    (tmp_path / "a.toml").write_bytes("a = 1\r\n[b]\r\nc = 'ß'\r\n".encode())
    assert read_toml(tmp_path / "a.toml") == {"a": 1, "b": {"c": "ß"}}


def test_keys_are_required_to_be_known():
    require_keys({"a": 1}, ["a", "b"], "here")
    require_keys({}, [], "here")
    with pytest.raises(UnknownNameError, match=r"^here: unknown key 'familly'\. Did you mean 'family'"):
        require_keys({"familly": 1}, ["family", "source"], "here")
