"""Files made to be read wrongly: each is a world or one sentence, in bounded time and memory."""

import contextlib
import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.worlds import make

MEMORY = 3 * 2**30  # bytes of address space for a whole process, less than any of the bombs below wants
FUZZ = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CSV = b"prompt,response,ref,reward\n0,0,.5,1\n0,1,.5,0\n"
FRAGMENTS = [
    b"\0",
    b"\r",
    b"nan",
    b"1e400",
    b"-inf",
    b"\xef\xbb\xbf",
    b"\xff",
    b"9" * 5000,
    b"PK",
    b"\x93NUMPY",
]
BYTES = st.one_of(st.binary(max_size=20), st.sampled_from(FRAGMENTS))
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), BYTES), max_size=8)


def archive_of(**members):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return sink.getvalue()


def array(values):
    sink = io.BytesIO()
    np.save(sink, np.array(values))
    return sink.getvalue()


def header(shape, descr):
    sink = io.BytesIO()
    np.lib.format.write_array_header_1_0(sink, {"descr": descr, "fortran_order": False, "shape": shape})
    return sink.getvalue()


def edited(content, edits):
    for place, cut, put in edits:
        at = int(place * len(content))
        content = content[:at] + put + content[at + cut :]
    return content


def world_of(file):
    return make({"family": "file", "parameters": {"path": str(file), "beta": 1.0}})


def is_a_world_or_a_sentence(file):
    with contextlib.suppress(SimbenchError):  # anything else is a traceback
        assert isinstance(world_of(file), Bandit)


@FUZZ
@given(edits=EDITS)
def test_an_edited_csv_file(tmp_path, edits):
    file = tmp_path / "world.csv"
    file.write_bytes(edited(CSV, edits))
    is_a_world_or_a_sentence(file)


@FUZZ
@given(edits=EDITS)
def test_an_edited_npz_file(tmp_path, edits):
    file = tmp_path / "world.npz"
    file.write_bytes(edited(archive_of(ref=array([[0.5, 0.5]]), reward=array([[1.0, 0.0]])), edits))
    is_a_world_or_a_sentence(file)


def test_an_archive_of_a_later_zip_version(tmp_path):
    content = bytearray(archive_of(ref=array([[0.5, 0.5]]), reward=array([[1.0, 0.0]])))
    content[content.index(b"PK\x01\x02") + 6] = 236  # the version that its directory asks for
    (tmp_path / "world.npz").write_bytes(content)
    with pytest.raises(SimbenchError, match="not an npz file"):
        world_of(tmp_path / "world.npz")


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_name_that_no_file_has(suffix):
    for name in ("a" * 5000, "a\0", "\udcff"):
        with pytest.raises(SimbenchError, match="does not exist"):
            world_of(f"{name}.{suffix}")


CHILD = """
import resource, sys
from pathlib import Path
from simbench.errors import SimbenchError
from simbench.worlds import make
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
for file in sys.argv[2:]:
    try:
        make({"family": "file", "parameters": {"path": file, "beta": 1.0}})
    except SimbenchError as refusal:
        print(refusal)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(status["VmHWM"].split()[0])
"""


def test_bombs_and_lying_headers_are_refused_before_they_are_read(tmp_path):
    """A header of 7 TiB, one byte for each of 2**29 entries (4 GiB as float64), members that are many together."""
    lie, bytes_each = header((10**12, 1), "<f8"), header((1, 2**29), "|i1")
    part = header((1, 3 * 2**25), "<f8")  # .75 GiB, of which two are too many
    bombs = {
        "lie": archive_of(ref=array([[1.0]]), reward=lie + b"\0" * 64),
        "bytes": archive_of(ref=array([[1.0]]), reward=bytes_each + b"\0" * 2**20),
        "many": archive_of(ref=part, reward=part),
    }
    for name, content in bombs.items():
        (tmp_path / f"{name}.npz").write_bytes(content)
    files = [str(tmp_path / f"{name}.npz") for name in bombs]
    done = subprocess.run([sys.executable, "-c", CHILD, str(MEMORY), *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *refusals, peak = done.stdout.splitlines()
    assert len(refusals) == len(bombs)
    assert all("at most 1073741824 are read" in refusal for refusal in refusals)
    assert int(peak) * 1024 < MEMORY / 4  # in kB; ru_maxrss would start from what the parent had
