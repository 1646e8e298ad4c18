"""Whether the system has killed processes for want of memory."""

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
SYSTEM = Path("/proc/vmstat")


def oom_kills() -> int:
    """Return how many processes of our control group, or else of the machine, were killed for want of memory so far.

    Zero where the system does not tell: a death is then not said to be one of memory.
    """
    for file in (*_events(), SYSTEM):
        try:
            counts = dict(line.split() for line in file.read_text().splitlines())
            return int(counts["oom_kill"])
        except (OSError, ValueError, KeyError):
            continue
    return 0


def _events() -> list[Path]:
    """Return the files that may count for our control group: as seen from the host, and from within a container."""
    try:
        lines = MEMBERSHIP.read_text().splitlines()
    except OSError:
        lines = []
    paths = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    paths += [f"memory{line.partition(':memory:')[2]}" for line in lines if ":memory:" in line]
    files = [CGROUPS / path / name for path in paths for name in ("memory.events", "memory.oom_control")]
    return [*files, CGROUPS / "memory.events", CGROUPS / "memory" / "memory.oom_control"]
