"""The disk under a folder: room, whether it can be written, and what is known of its wear."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from drivers.power.sysfs import number, text

_WEAR_STEP_PERCENT = 10  # JEDEC eMMC 5.0: 0x01 is 0-10 % of the life used ... 0x0B is beyond it
_WEAR_LAST = 0x0B
_OCTAL = re.compile(r"\\([0-7]{3})")  # proc(5): how blanks in mountinfo are written


@dataclass(frozen=True, slots=True)
class Disk:
    """One look at a disk; None: it does not tell.

    `is_read_only` also when the kernel made it so after an error. `worn_percent` is the eMMC's own
    estimate of the life used, rounded up to ten; SD cards tell nothing. `errors` counts what ext4
    has noted since it was last checked.
    """

    free_bytes: int
    is_read_only: bool
    worn_percent: int | None
    errors: int | None


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mountinfo."""

    device: str
    """`major:minor`."""
    point: Path
    is_read_only: bool


def read_disk(folder: Path, root: Path) -> Disk:
    """The disk that holds `folder`; `root` is above `sys` and `proc`. Raises `OSError`."""
    room = os.statvfs(folder)
    mount = mount_of(folder.resolve(), text(root / "proc/self/mountinfo"))
    name = "" if mount is None else _device_name(root, mount.device)
    return Disk(
        free_bytes=room.f_bavail * room.f_frsize,
        is_read_only=bool(room.f_flag & os.ST_RDONLY) or bool(mount and mount.is_read_only),
        worn_percent=_worn_percent(root / "sys/class/block" / name) if name else None,
        errors=number(root / "sys/fs/ext4" / name / "errors_count") if name else None,
    )


def mount_of(folder: Path, mountinfo: str) -> Mount | None:
    """The mount that holds `folder`: the deepest above it, and of those the one mounted last."""
    holding = [
        mount
        for line in mountinfo.splitlines()
        if (mount := _parse(line)) is not None and folder.is_relative_to(mount.point)
    ]
    return max(reversed(holding), key=lambda mount: len(mount.point.parts), default=None)


def _parse(line: str) -> Mount | None:
    """proc(5): `36 35 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw,errors=...`."""
    fields, _, end = line.partition(" - ")
    its, of_disk = fields.split(" "), end.split(" ")
    if len(its) < 6 or len(of_disk) < 3:
        return None
    # A disk that failed is read-only for everybody: that stands at the end. The field before is
    # for this mount alone.
    is_read_only = "ro" in its[5].split(",") or "ro" in of_disk[2].split(",")
    point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), its[4])
    return Mount(its[2], Path(point), is_read_only)


def _device_name(root: Path, device: str) -> str:
    """`179:2` -> `mmcblk0p2`: /sys/dev/block links it to the device's folder."""
    link = root / "sys/dev/block" / device
    try:
        return link.readlink().name
    except OSError:
        return ""


def _worn_percent(partition: Path) -> int | None:
    """JEDEC's DEVICE_LIFE_TIME_EST_TYP A and B, of the disk that the partition is on."""
    disk = partition.resolve()
    for folder in (disk, disk.parent):
        estimates = text(folder / "device/life_time").split()
        if not estimates:
            continue
        try:
            worst = max(int(estimate, 16) for estimate in estimates)
        except ValueError:
            return None
        return min(worst, _WEAR_LAST) * _WEAR_STEP_PERCENT if worst else None
    return None
