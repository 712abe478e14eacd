"""A folder for power-cut tests: `powerfs` in its own process, always taken down again."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.system.powerfs import (
    CONTROL_ATTRIBUTE,
    CUT_EXIT_CODE,
    DEFAULT_CAPACITY_BYTES,
    READY_LINE,
)

_PROJECT: Final = Path(__file__).parents[2]
_END_TIMEOUT_S: Final = 10.0


class PowerDir:
    """`with PowerDir(tmp_path) as disk:` gives a folder `disk.path` whose power can be cut.

    `disk.durable_path` is what the platter holds; look at it any time, change nothing in it while
    mounted. After a cut `disk.path` gives I/O errors until `remount()`, as a process that
    outlived its disk would see; end the processes that used it first. Each mount draws other
    survivors from the same `seed`. Raises `RuntimeError` if the folder cannot be mounted.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: float = 0.0,
        seed: int = 0,
        capacity_bytes: int = DEFAULT_CAPACITY_BYTES,
    ) -> None:
        self.path = folder.absolute() / "disk"
        self.durable_path = folder.absolute() / "durable"
        self._keep = keep
        self._seed = seed
        self._capacity_bytes = capacity_bytes
        self._mounts = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.path.mkdir()
        self.durable_path.mkdir()
        self._mount()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unmount()

    def cut(self) -> None:
        """Cut the power, if it is on: returns when it is off."""
        with contextlib.suppress(OSError):  # no answer: it is off now, or was before
            self._command("cut")
        self.wait_for_cut()

    def cut_before(self, operation: int) -> None:
        """Let the power go just before the n-th following operation that changes or syncs."""
        self._command(f"cut-before {operation}")

    def wait_for_cut(self) -> None:
        """Wait until a cut asked for with `cut_before` has happened; raises `TimeoutExpired`."""
        assert self._process is not None
        code = self._process.wait(_END_TIMEOUT_S)
        assert code == CUT_EXIT_CODE, f"powerfs ended with {code}, which is no power cut"

    def fill(self) -> None:
        """Leave no free page."""
        self._command("fill")

    def resize(self, capacity_bytes: int) -> None:
        """Give the disk another size until the next mount."""
        self._command(f"capacity {capacity_bytes}")

    def fail_fsync(self, number: int = 1) -> None:
        """Let the n-th following fsync and all later ones give EIO, until `heal` or a mount."""
        self._command(f"fail-fsync {number}")

    def heal(self) -> None:
        """Let fsyncs work again. What failed ones left behind stays lost."""
        self._command("heal")

    def remount(self) -> None:
        """Power on again with what is durable, after a cut if there was none yet."""
        self.cut()
        self._unmount()
        self._mount()

    def _command(self, command: str) -> None:
        os.setxattr(self.path, CONTROL_ATTRIBUTE, command.encode())

    def _mount(self) -> None:
        command = [sys.executable, "-m", "tests.system.powerfs"]
        command += [str(self.durable_path), str(self.path)]
        command += ["--keep", str(self._keep), "--seed", f"{self._seed + self._mounts}"]
        command += ["--capacity-bytes", str(self._capacity_bytes)]
        self._mounts += 1
        self._process = subprocess.Popen(command, cwd=_PROJECT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != READY_LINE:
            self._unmount()
            raise RuntimeError(f"{self.path}: cannot be mounted; is there a /dev/fuse?")

    def _unmount(self) -> None:
        unmount = ["fusermount3", "-u", "-z", str(self.path)]
        subprocess.run(unmount, check=False, stderr=subprocess.DEVNULL)  # may not be mounted
        if self._process is not None:
            self._process.kill()
            self._process.wait(_END_TIMEOUT_S)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None
