"""The file of a unit: a tidy Parquet table whose bytes are a function of the unit and its numbers.

    study, environment, setting, instance, run, learner, iteration, round, labels, <grid keys>, <everything measured>

No dates and no names of machines: computed twice, on two machines of one kind, a unit is the same file. Provenance
(the unit's whole spec, the CPU, the simbench version) lies in the schema's metadata.

Between the last page and the footer, where readers of Parquet do not look, the file carries a seal: the unit's name
and a hash of all other bytes. Whatever is cut off or altered later is noticed, and checking costs no decoding.
"""

import hashlib
import importlib.metadata
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simbench.engine.currencies import CURRENCIES
from simbench.study.plan import Unit
from simbench.study.provenance import canonical_json, cpu_model

KEYS = ("study", "environment", "setting", "instance", "run", "learner", "iteration", "round", "labels")
METADATA = b"simbench"
SEAL = b"simbench unit 1\0"
ID_BYTES = 16
SEAL_BYTES = len(SEAL) + 2 * ID_BYTES


def encode(unit: Unit, columns: dict[str, np.ndarray]) -> bytes:
    """Return the file of `unit` with the engine's `columns`, each `[runs * checkpoints]`."""
    table = _tidy(unit, columns)
    provenance = {
        "unit": unit.id,
        "spec": unit.spec,
        "cpu": cpu_model(),
        "simbench": importlib.metadata.version("rlhf-simbench"),
        "pyarrow": pa.__version__,
    }
    table = table.replace_schema_metadata({METADATA: canonical_json(provenance).encode()})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return _sealed(unit, sink.getvalue())


def check(unit: Unit, content: bytes) -> None:
    """Raise `ValueError` unless the bytes are the file of `unit`, whole and undamaged."""
    cut = _footer_start(content) - SEAL_BYTES
    if cut < 0 or content[cut : cut + len(SEAL)] != SEAL:
        raise ValueError("not a whole unit file")
    name, mark = content[cut + len(SEAL) :][:ID_BYTES], content[cut + len(SEAL) + ID_BYTES :][:ID_BYTES]
    if name != bytes.fromhex(unit.id):
        raise ValueError(f"holds unit {name.hex()}")
    if mark != _mark(name, content[:cut], content[cut + SEAL_BYTES :]):
        raise ValueError("its bytes are not those that were written")


def decode(unit: Unit, content: bytes) -> pa.Table:
    """Return the table in a unit's file; raise `ValueError` when the bytes are not that unit's, whole and undamaged."""
    check(unit, content)
    return pq.read_table(pa.BufferReader(content))


def _sealed(unit: Unit, content: bytes) -> bytes:
    cut = _footer_start(content)
    name = bytes.fromhex(unit.id)
    return content[:cut] + SEAL + name + _mark(name, content[:cut], content[cut:]) + content[cut:]


def _mark(name: bytes, body: bytes, footer: bytes) -> bytes:
    state = hashlib.blake2b(name, digest_size=ID_BYTES)
    state.update(body)
    state.update(footer)
    return state.digest()


def _footer_start(content: bytes) -> int:
    """Return where a Parquet file's footer starts: its length stands before the last four bytes."""
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")


def provenance(schema: pa.Schema) -> dict[str, Any]:
    """Return what the schema of a unit's table says of its origin; empty for one that says nothing."""
    text = (schema.metadata or {}).get(METADATA)
    return dict(json.loads(text)) if text else {}


def _tidy(unit: Unit, columns: dict[str, np.ndarray]) -> pa.Table:
    rows = len(columns["run"])
    constant: dict[str, Any] = {
        "study": unit.spec["study"],
        "environment": unit.spec["environment"],
        "setting": unit.spec["setting"],
        "instance": unit.spec["instance"],
        "learner": unit.spec["label"],
    }
    tidy = {
        name: _repeated(constant[name], rows) if name in constant else pa.array(columns[name])
        for name in KEYS
    }
    tidy |= {key: _repeated(value, rows) for key, value in unit.spec["grid"].items()}
    listed = [name for name in (*CURRENCIES, *unit.spec["quantities"]) if name in columns]
    others = sorted(set(columns) - {*KEYS, *listed})
    tidy |= {name: pa.array(columns[name]) for name in [*listed, *others]}
    return pa.table(tidy)


def _repeated(value: Any, rows: int) -> pa.Array:
    # A grid value that is a list or a table (a parameter may be one) is named by its JSON.
    plain = value if isinstance(value, bool | int | float | str) else canonical_json(value)
    return pa.repeat(pa.scalar(plain), rows)
