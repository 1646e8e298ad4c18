"""Compiled programs on disk: damage is noticed and mended; where nothing can be written, only time is lost."""

import os
import random
import subprocess
import sys

import numba
import pytest

from simbench.engine import sealed
from simbench.engine.kept_kernels import keep

DAMAGES = {
    "emptied": lambda content: b"",
    "first byte": lambda content: content[:1],
    "cut in the mark": lambda content: content[:10],
    "cut in the seal": lambda content: content[: len(sealed.MARK) + 7],
    "cut after the seal": lambda content: content[: len(sealed.MARK) + sealed.SEAL],
    "cut in half": lambda content: content[: len(content) // 2],
    "last byte lost": lambda content: content[:-1],
    "a byte more": lambda content: content + b"\0",
    "doubled": lambda content: content + content,
    "zeroed": lambda content: bytes(len(content)),
    "end zeroed": lambda content: content[:-20] + bytes(20),
    "random bytes": lambda content: random.Random(1).randbytes(len(content)),
    "random after the mark": lambda content: sealed.MARK + random.Random(2).randbytes(len(content)),
    "text": lambda content: b"<html>quota exceeded</html>",
    "swapped halves": lambda content: content[len(content) // 2 :] + content[: len(content) // 2],
    "no seal": lambda content: content[len(sealed.MARK) + sealed.SEAL :],
    **{
        f"a bit at {share:.0%}": (lambda content, share=share: flipped(content, share))
        for share in (0, 0.1, 0.3, 0.5, 0.8, 1)
    },
}


def flipped(content, share):
    changed = bytearray(content)
    changed[round(share * (len(content) - 1))] ^= 0x10
    return bytes(changed)


@pytest.mark.parametrize("how", DAMAGES)
def test_nothing_damaged_is_read(tmp_path, how, capsys):
    file = tmp_path / "a.kernel"
    sealed.write(file, b"machine code" * 50)
    assert sealed.read(file) == b"machine code" * 50
    file.write_bytes(DAMAGES[how](file.read_bytes()))
    assert sealed.read(file) is None
    assert not file.exists()
    sealed.write(tmp_path / "b.kernel", b"other")
    (tmp_path / "b.kernel").write_bytes(b"")
    assert sealed.read(tmp_path / "b.kernel") is None
    told = capsys.readouterr().err
    assert told == f"note: a damaged program in {tmp_path} is compiled again.\n"  # once


def test_no_file_where_one_should_be(tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    assert sealed.read(tmp_path / "folder") is None
    assert sealed.read(tmp_path / "fifo") is None
    sealed.write(tmp_path / "folder", b"code")
    assert list(tmp_path.glob(".*")) == []
    assert capsys.readouterr().err.count("note:") == 1
    assert sealed.read(tmp_path / "none") is None
    assert capsys.readouterr().err == ""


def test_a_full_disk_keeps_nothing_and_says_nothing(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    sealed.write(tmp_path / "a.kernel", b"code")
    assert list(tmp_path.iterdir()) == []
    sealed.write(tmp_path / "missing" / "a.kernel", b"code")
    assert capsys.readouterr() == ("", "")


def test_drafts_of_killed_processes_are_swept_away(tmp_path):
    old, new = tmp_path / ".old.draft", tmp_path / ".new.draft"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    sealed.write(tmp_path / "a.kernel", b"code")
    assert sorted(tmp_path.iterdir()) == [new, tmp_path / "a.kernel"]


@pytest.mark.parametrize("home", [None, "", "relative", "~"])
def test_no_cache_is_made_in_the_working_directory(tmp_path, monkeypatch, home):
    monkeypatch.chdir(tmp_path)
    for name in ("SIMBENCH_CACHE", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: (_ for _ in ()).throw(KeyError(uid)))
    if home is not None:
        monkeypatch.setenv("HOME", home)
    place = sealed.kernel_cache("kernels-0")
    assert place is None or tmp_path not in place.parents
    assert list(tmp_path.iterdir()) == []


def test_where_the_cache_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("SIMBENCH_CACHE", raising=False)
    assert sealed.kernel_cache("k") == tmp_path / "xdg/simbench/k"
    monkeypatch.setenv("SIMBENCH_CACHE", "asked_for")
    assert sealed.kernel_cache("k") == tmp_path / "asked_for/k"
    (tmp_path / "file").touch()
    monkeypatch.setenv("SIMBENCH_CACHE", str(tmp_path / "file"))
    assert sealed.kernel_cache("k") is None


@pytest.mark.compiled
def test_a_kernel_of_another_signature_is_another_file(tmp_path, capsys):
    def hits(*arguments):
        kernel = numba.njit(add)
        keep(kernel, tmp_path)
        assert kernel(*arguments) == sum(arguments)
        return sum(kernel.stats.cache_hits.values())

    assert [hits(1, 2), hits(1, 2), hits(1.0, 2.0), hits(1.0, 2.0)] == [0, 1, 0, 1]
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    for file in files:
        file.write_bytes(flipped(file.read_bytes(), 0.7))
    assert [hits(1, 2), hits(1, 2)] == [0, 1]
    assert capsys.readouterr().err.count("note:") == 1


def add(x, y):
    return x + y


@pytest.mark.compiled
@pytest.mark.thorough
def test_a_damaged_kernel_is_compiled_again(tmp_path):
    """Loaded by the second process, damaged, compiled by the third, loaded by the fourth: the same numbers."""
    code = (
        "import numpy as np, simbench as sb\n"
        "from simbench.engine import numba_engine\n"
        "from simbench.learners.online.constant import Reference\n"
        "w = sb.make('random_tabular', prompts=2, responses=2)\n"
        "keys = np.zeros((1, 2), dtype=np.uint32)\n"
        "(shot,) = numba_engine.play(w, Reference(), keys=keys, checkpoints=np.array([3]))\n"
        "stats = numba_engine.specialise('simbench.learners.kernels.constant', ()).advance.stats\n"
        "print(sum(stats.cache_hits.values()), shot.regret.tobytes().hex())\n"
    )
    environment = os.environ | {"SIMBENCH_CACHE": str(tmp_path)}
    environment.pop("NUMBA_DISABLE_JIT", None)

    def play():
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.split(), done.stderr

    (first, regret), _ = play()
    (kernel,) = tmp_path.glob("kernels-*/*.kernel")
    kernel.write_bytes(flipped(kernel.read_bytes(), 0.7))
    mended, told = play()
    again, nothing = play()
    assert [first, mended, again] == ["0", ["0", regret], ["1", regret]]
    assert (told.count("\n"), told[:25], nothing) == (1, "note: a damaged program i", "")
