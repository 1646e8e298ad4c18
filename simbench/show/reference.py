"""Reference results: the small tables that are committed with the code, so that figures can be drawn at once.

    results/reference/<study>/<preset>.parquet

One tidy table per study and preset; its provenance (engine, sources, packages) and what it is lie in the schema's
metadata, outside what is compared. `make reference` computes them again.
"""

import argparse
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simbench import named_files
from simbench.errors import SimbenchError
from simbench.study.plan import make_plan
from simbench.study.provenance import digest
from simbench.study.store import store_of
from simbench.study.study import load_study
from simbench.study.table import load_table
from simbench.study.unit_file import provenance as unit_provenance
from simbench.whole_file import write_whole

FOLDER = "results/reference"
METADATA = b"simbench"


def reference_folders() -> list[Path]:
    """Return where reference results are looked for: the working directory, the package's data, the checkout."""
    return named_files.folders(FOLDER)


def read_reference(study: str, preset: str | None = None) -> pd.DataFrame:
    """Return the reference table of a study; `attrs` say what it is, as `load_table` has them.

    Without a preset the study must have one reference table only.

    Raises `SimbenchError` when there is none, or when the preset has to be named.
    """
    found: dict[str, Path] = {}
    for folder in reference_folders():
        for file in sorted((folder / study).glob("*.parquet")):
            found.setdefault(file.stem, file)
    if preset is None and len(found) == 1:
        preset = next(iter(found))
    if preset not in found:
        known = f"there is {', '.join(found)}" if found else "there are no reference results of it"
        wanted = "no preset was named" if preset is None else f"preset '{preset}' was asked for"
        raise SimbenchError(f"reference results of study '{study}': {wanted}; {known}.")
    return _read(found[preset])


def write_reference(table: pd.DataFrame, folder: Path, *, provenance: dict[str, Any]) -> Path:
    """Write a complete table of `load_table` as the reference of its study and preset; return the file.

    Raises `SimbenchError` for a partial table: a reference has no holes.
    """
    attrs = dict(table.attrs)
    if attrs.get("partial", True):
        raise SimbenchError(
            f"the results of study '{attrs.get('study')}' are partial; a reference is complete."
        )
    file = folder / attrs["study"] / f"{attrs['preset']}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    plain = table.copy()
    plain.attrs = {}
    arrow = pa.Table.from_pandas(plain, preserve_index=False)
    metadata = json.dumps({"attrs": attrs, "provenance": provenance}, sort_keys=True).encode()
    sink = io.BytesIO()
    pq.write_table(
        arrow.replace_schema_metadata({METADATA: metadata}), sink, compression="zstd", compression_level=19
    )
    write_whole(file, sink.getvalue())
    return file


def _read(file: Path) -> pd.DataFrame:
    try:
        arrow = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise SimbenchError(f"{file} is not a readable Parquet file: {error}.") from None
    frame = arrow.to_pandas()
    frame.attrs = json.loads((arrow.schema.metadata or {}).get(METADATA, b"{}")).get("attrs", {})
    return frame


def keep(study: str, preset: str, results: Path, folder: Path) -> Path:
    """Write what was computed of a study under `results` as its reference; return the file.

    Raises `SimbenchError` for results that are missing, partial, or computed by more than one machine or engine.
    """
    table = load_table(study, preset, results)
    plan = make_plan(load_study(study, preset))
    store = store_of(plan, results)
    files = [store.path(unit) for unit in plan.units if store.path(unit).exists()]
    origins = {_origin(file) for file in files}
    if len(origins) > 1:
        raise SimbenchError(
            f"the results of study '{study}' in {store.folder} come from more than one place."
        )
    sources = sorted({unit_provenance(pq.read_schema(file))["spec"]["sources"] for file in files})
    return write_reference(table, folder, provenance=json.loads(origins.pop()) | {"sources": digest(sources)})


def _origin(file: Path) -> str:
    facts = unit_provenance(pq.read_schema(file))
    spec = facts["spec"]
    origin = {key: facts[key] for key in ("cpu", "pyarrow", "simbench")}
    return json.dumps(origin | {key: spec[key] for key in ("packages", "device")}, sort_keys=True)


def main() -> None:
    """Keep the named studies' results as reference: `python -m simbench.show.reference STUDY... [--preset NAME]`."""
    parser = argparse.ArgumentParser(description="Keep results of studies as reference results.")
    parser.add_argument("study", nargs="+")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--results", type=Path, default=Path("results"))
    given = parser.parse_args()
    for study in given.study:
        file = keep(study, given.preset, given.results, Path(FOLDER))
        print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
