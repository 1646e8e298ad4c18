"""Units that are there, but computed by what is no longer there: sources, a plug-in's file or packages have changed.

A unit's name covers all of them, so after an edit of a kernel every unit counts as missing. What the files say of their
origin tells that from a study that was never run: the same table but for `sources`, `plugins` and `packages`.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from simbench.study.plan import Plan
from simbench.study.provenance import canonical_json
from simbench.study.store import Store
from simbench.study.unit_file import provenance

MAKERS = {"sources": "sources of simbench", "plugins": "a plug-in's file", "packages": "versions of packages"}


def stale_note(plan: Plan, store: Store) -> str | None:
    """Return a sentence about the missing units of which `store` holds a file computed by others, or None."""
    missing = {_work(unit.spec): unit.spec for unit in plan.units if not store.path(unit).exists()}
    changed: dict[str, set[str]] = {}
    if missing:
        for spec in _strangers(plan, store):
            now = missing.get(_work(spec))
            if now is not None:
                changed.setdefault(_work(spec), set()).update(m for m in MAKERS if now[m] != spec.get(m))
    if not changed:
        return None
    makers = [MAKERS[maker] for maker in MAKERS if any(maker in found for found in changed.values())]
    units = "1 unit was" if len(changed) == 1 else f"{len(changed)} units were"
    return f"{units} computed by other {' and '.join(makers)}, so they count as missing; their files stay."


def _work(spec: dict[str, Any]) -> str:
    return canonical_json({key: value for key, value in spec.items() if key not in MAKERS})


def _strangers(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """Yield the tables of the files that no unit of the plan is named after."""
    mine = {store.path(unit) for unit in plan.units}
    for file in sorted(store.folder.glob("*.parquet")):
        if file in mine or not file.is_file():
            continue
        try:
            schema = pq.read_schema(file)
        except (pa.ArrowException, OSError):
            continue  # nothing that anybody could have computed
        try:
            spec = provenance(schema).get("spec", {})
        except (ValueError, TypeError, AttributeError):
            continue  # somebody else's metadata
        if isinstance(spec, dict):
            yield spec
