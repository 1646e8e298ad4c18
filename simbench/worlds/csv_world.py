"""The arrays of a world from a CSV file, one row per cell; complaints name line and column."""

import csv
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.worlds.npz_world import require_columns

WEIGHTS = ("rho", "train_rho")  # one number per prompt, repeated in its rows
COLUMNS = ("prompt", "response", *WEIGHTS, "ref", "log_ref", "reward")
FAMILIES = {"feature": "features", "source": "sources", "class": "reward_class"}  # columns feature_0 …

Row = tuple[int, dict[str, str]]


def read_csv(path: Path) -> dict[str, Any]:
    """Return the arrays of a CSV world by name: `ref` or `log_ref`, `reward`, and what else it gives.

    Raises `SimbenchError` naming file, line and column: a missing, unknown or repeated column, a row of
    another length, an entry that is no number, a cell that is missing, repeated or out of order, unequal
    `rho`s.
    """
    header, rows = _read(path)
    _check_header(header, path)
    prompts, responses = _cells(rows, path)
    table = {
        column: np.array([_number(row[column], column, line, path) for line, row in rows]).reshape(
            prompts, responses
        )
        for column in header
        if column not in ("prompt", "response")
    }
    fields: dict[str, Any] = {name: table[name] for name in ("ref", "log_ref", "reward") if name in table}
    for name in WEIGHTS:
        if name in table:
            fields[name] = _prompt_weights(name, table[name], rows, path)
    for stem, field in FAMILIES.items():
        columns = [table[f"{stem}_{i}"] for i in range(_count(header, stem))]
        if columns:
            fields[field] = np.stack(columns, axis=-1 if field == "features" else 0)
    return fields


def _read(path: Path) -> tuple[list[str], list[Row]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            rows: list[Row] = []
            for entries in reader:
                if not any(entry.strip() for entry in entries):
                    continue
                if len(entries) != len(header):
                    raise SimbenchError(
                        f"{path}, line {reader.line_num}: {len(entries)} entries, but the header names "
                        f"{len(header)} columns."
                    )
                rows.append((reader.line_num, dict(zip(header, entries, strict=True))))
    except UnicodeDecodeError as error:
        raise SimbenchError(f"{path} is not UTF-8 text (byte {error.start}).") from None
    except csv.Error as error:
        raise SimbenchError(f"{path}, line {reader.line_num}: not valid CSV: {error}.") from None
    if not rows:
        raise SimbenchError(
            f"{path} has no rows; a world has one row per prompt and response, under a header."
        )
    return header, rows


def _check_header(header: list[str], path: Path) -> None:
    for i, name in enumerate(header):
        if name in header[:i]:
            raise SimbenchError(f"{path}: the column '{name}' appears twice.")
        if name not in COLUMNS and not re.fullmatch(rf"({'|'.join(FAMILIES)})_(0|[1-9]\d*)", name):
            allowed = (*COLUMNS, *(f"{stem}_0" for stem in FAMILIES))
            raise UnknownNameError(f"{path}: unknown column '{name}'. {nearest(name, allowed)}")
    for name in ("prompt", "response"):
        if name not in header:
            raise SimbenchError(f"{path}: the column '{name}' is missing.")
    require_columns(header, str(path), "column")
    for stem in FAMILIES:
        for i in range(_count(header, stem)):
            if f"{stem}_{i}" not in header:
                raise SimbenchError(f"{path}: the column '{stem}_{i}' is missing; number them 0, 1, 2, ...")


def _count(header: list[str], stem: str) -> int:
    return sum(name.startswith(f"{stem}_") for name in header)


def _cells(rows: list[Row], path: Path) -> tuple[int, int]:
    """Check that rows are the cells (0, 0), (0, 1), …, (S-1, A-1) in order; return S and A."""
    seen: dict[tuple[int, int], int] = {}
    cells: list[tuple[int, int]] = []
    for line, row in rows:
        cell = (_index(row["prompt"], "prompt", line, path), _index(row["response"], "response", line, path))
        if cell in seen:
            raise SimbenchError(
                f"{path}, line {line}: prompt {cell[0]}, response {cell[1]} is already in line {seen[cell]}."
            )
        if cells and cell < cells[-1]:
            raise SimbenchError(
                f"{path}, line {line}: prompt {cell[0]}, response {cell[1]} comes after "
                f"prompt {cells[-1][0]}, response {cells[-1][1]}; sort the rows by prompt, then response."
            )
        seen[cell] = line
        cells.append(cell)
    responses = max(response for _, response in cells) + 1
    prompts = cells[-1][0] + 1
    if len(cells) < prompts * responses:  # find the first hole by walking, so that its size costs nothing
        for i, cell in enumerate(cells):
            if cell != (i // responses, i % responses):
                break
        else:
            i = len(cells)
        raise SimbenchError(
            f"{path}: prompt {i // responses}, response {i % responses} is missing; every prompt needs all "
            f"{responses} responses 0 … {responses - 1}."
        )
    return prompts, responses


def _prompt_weights(name: str, rho: np.ndarray, rows: list[Row], path: Path) -> np.ndarray:
    differs = rho != rho[:, :1]
    if differs.any():
        s, a = (int(i) for i in np.argwhere(differs)[0])
        line, _ = rows[s * rho.shape[1] + a]
        raise SimbenchError(
            f"{path}, line {line}, column {name}: {rho[s, a]:g}, but prompt {s} began with "
            f"{rho[s, 0]:g}; the weight of a prompt is the same in all its rows."
        )
    return rho[:, 0]


def _index(text: str, column: str, line: int, path: Path) -> int:
    if not re.fullmatch(r"\s*\d{1,9}\s*", text):
        raise SimbenchError(f"{path}, line {line}, column {column}: '{text}' is not a whole number >= 0.")
    return int(text)


def _number(text: str, column: str, line: int, path: Path) -> float:
    try:
        value = float(text)
    except ValueError:
        raise SimbenchError(f"{path}, line {line}, column {column}: '{text}' is not a number.") from None
    if math.isnan(value) or (math.isinf(value) and not (column == "log_ref" and value < 0)):
        raise SimbenchError(f"{path}, line {line}, column {column}: '{text}' is not a finite number.")
    return value
