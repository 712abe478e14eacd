"""What every benchmark shares: a folder on a real disk, interleaved rounds, and figures."""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

_NOT_A_DISK = frozenset({"tmpfs", "ramfs", "devtmpfs"})
_MOUNT_POINT, _AFTER_DASH = 4, " - "  # fields of /proc/self/mountinfo, proc(5)


class Figure(Struct, frozen=True):
    """One line of the table: ours against a peer or a physical limit of the same run."""

    name: str
    ours: float
    peer: float
    unit: str
    peer_name: str
    mark: float | None = None
    """What is to be reached: a ratio, or a value of ours if `mark_is_absolute`."""
    mark_is_absolute: bool = False
    less_is_better: bool = False
    column: str = ""
    """Where it stands in a grid of its name, a row for each peer; empty: a line of its own."""

    @property
    def ratio(self) -> float:
        """Ours by the peer's."""
        return self.ours / self.peer

    @property
    def is_met(self) -> bool | None:
        """Whether the mark is reached; `None` where there is none."""
        if self.mark is None:
            return None
        reached = self.ours if self.mark_is_absolute else self.ratio
        return reached <= self.mark if self.less_is_better else reached >= self.mark


def medians(runs: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """The median result of each run, taken in turns (A B A B), so that a busy spell hits all."""
    results: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for place, run in enumerate(runs):
            results[place].append(run())
    return [statistics.median(each) for each in results]


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder on a real disk, gone afterwards. Raises `RuntimeError` if there is none."""
    for place in (Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()):  # noqa: S108  # a new private folder in it
        if filesystem_of(place) not in _NOT_A_DISK:
            with tempfile.TemporaryDirectory(dir=place, prefix="muster-bench-") as name:
                yield Path(name)
            return
    raise RuntimeError("every folder here is in memory: nothing durable can be measured")


def filesystem_of(path: Path) -> str:
    """Which kind of file system a path is on."""
    best, kind = Path(), ""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mounted, _, behind = line.partition(_AFTER_DASH)
        point = Path(mounted.split()[_MOUNT_POINT])
        if path.resolve().is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, behind.split()[0]
    return kind
