"""A progress bar for work longer than two seconds, on a terminal only: units done, rounds per second, time left."""

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOW_AFTER = 2.0  # seconds


class ProgressBar:
    """Counts finished units; shown on standard error when that is a terminal and two seconds have passed."""

    def __init__(self, title: str, *, units: int, run_rounds: int) -> None:
        self._title = title
        self._units = units
        self._run_rounds = run_rounds
        self._done = 0
        self._rounds_done = 0
        self._lock = threading.Lock()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._timer = threading.Timer(SHOW_AFTER, self._show)
        self._timer.daemon = True

    def __enter__(self) -> "ProgressBar":
        if sys.stderr.isatty() and self._units:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()

    def advance(self, run_rounds: int) -> None:
        """Count one more unit, of `run_rounds` runs times rounds."""
        with self._lock:
            self._done += 1
            self._rounds_done += run_rounds
            self._draw()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        with self._lock:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[units]} units"),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(self._title, total=self._run_rounds, units="", rate="")
            self._draw()
            self._bar.start()

    def _draw(self) -> None:
        if self._bar is None or self._task is None:
            return
        elapsed = self._bar.tasks[0].elapsed
        rate = (
            f"{self._rounds_done / (elapsed + SHOW_AFTER):.2g} rounds/s"
            if elapsed and self._rounds_done
            else ""
        )
        self._bar.update(
            self._task, completed=self._rounds_done, units=f"{self._done}/{self._units}", rate=rate
        )
