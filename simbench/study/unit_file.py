"""The file of a unit: a tidy Parquet table whose bytes are a function of the unit and its numbers.

    study, environment, setting, instance, run, learner, iteration, round, labels, <grid keys>, <everything measured>

No dates and no names of machines: computed twice, on two machines of one kind, a unit is the same file. Provenance
(the unit's whole spec, the CPU, the simbench version) lies in the schema's metadata, and so does a digest of the table:
a file damaged on disk is noticed when it is read, wherever the damage is. (Parquet's own checksums cover the pages,
which keeps a damaged file from being decoded at all, but not the headers and the footer.)
"""

import hashlib
import importlib.metadata
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simbench.study.plan import Unit
from simbench.study.provenance import canonical_json, cpu_model, digest

CURRENCIES = ("regret", "reward_regret", "argmax_regret")
KEYS = ("study", "environment", "setting", "instance", "run", "learner", "iteration", "round", "labels")
METADATA = b"simbench"


def encode(unit: Unit, columns: dict[str, np.ndarray]) -> bytes:
    """Return the file of `unit` with the engine's `columns`, each `[runs * checkpoints]`."""
    table = _tidy(unit, columns)
    provenance = {
        "unit": unit.id,
        "spec": unit.spec,
        "table": table_digest(table),
        "cpu": cpu_model(),
        "simbench": importlib.metadata.version("rlhf-simbench"),
        "pyarrow": pa.__version__,
    }
    table = table.replace_schema_metadata({METADATA: canonical_json(provenance).encode()})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()


def decode(unit: Unit, content: bytes) -> pa.Table:
    """Return the table in a unit's file; raise `ValueError` when the bytes are not that unit's, whole and undamaged."""
    try:
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        facts = provenance(table)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(f"not a readable Parquet file: {error}") from None
    if facts.get("unit") != unit.id or digest(facts.get("spec")) != unit.id:
        raise ValueError(f"holds unit {facts.get('unit')}")
    if facts.get("table") != table_digest(table):
        raise ValueError("a damaged Parquet file: its table is not the one that was written")
    return table


def table_digest(table: pa.Table) -> str:
    """Return 32 hex digits of a table's column names, types and values."""
    state = hashlib.blake2b(digest_size=16)
    for name, column in zip(table.column_names, table.columns, strict=True):
        state.update(f"{name}\0{column.type}\0{len(column)}\0{column.null_count}\0".encode())
        if pa.types.is_string(column.type):
            state.update("\0".join(map(str, column.to_pylist())).encode())
        else:
            state.update(column.to_numpy().tobytes())
    return state.hexdigest()


def provenance(table: pa.Table) -> dict[str, Any]:
    """Return what a unit's table says of its origin; empty for a table that says nothing."""
    text = (table.schema.metadata or {}).get(METADATA)
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
