"""The board's health, from a made-up /sys and /proc."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.power.board import BoardHealth, Throttled, ask_vcgencmd, parse_throttled
from drivers.power.disk import Mount, mount_of, read_disk

MOUNTINFO = """\
21 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
30 21 0:25 / /proc rw - proc proc rw
36 21 179:1 / /boot/firmware rw - vfat /dev/mmcblk0p1 rw
40 21 8:1 / /var/lib rw - ext4 /dev/sda1 ro,errors=remount-ro
41 40 8:1 /muster /var/lib/muster\\040data ro,nosuid - ext4 /dev/sda1 rw
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def no_firmware() -> str | None:
    return None


def test_a_machine_that_tells_nothing_is_no_error(root: Path) -> None:
    facts = BoardHealth(root, root=root, ask_firmware=no_firmware).read()
    assert (facts.throttled, facts.temperature_c) == (None, None)
    assert facts.disk.free_bytes > 0
    assert (facts.disk.worn_percent, facts.disk.errors) == (None, None)


@pytest.mark.parametrize(
    ("answer", "flags"),
    [
        ("throttled=0x0\n", Throttled(0)),
        (
            "throttled=0x50005",
            Throttled.UNDER_VOLTAGE
            | Throttled.THROTTLED
            | Throttled.HAS_BEEN_UNDER_VOLTAGE
            | Throttled.HAS_BEEN_THROTTLED,
        ),
        ("throttled=0xf000f", Throttled(0xF000F)),
        ("throttled=0xfff00008", Throttled.SOFT_LIMIT),
        ("throttled=", None),
        ("VCHI initialization failed", None),
        ("", None),
    ],
)
def test_what_the_firmware_says(answer: str, flags: Throttled | None) -> None:
    assert parse_throttled(answer) == flags


@given(st.text())
def test_any_answer_of_the_firmware_is_taken(answer: str) -> None:
    flags = parse_throttled("throttled=" + answer)
    assert flags is None or 0 <= flags <= 0xF000F


def test_the_firmware_is_asked_first_and_then_the_kernel(root: Path) -> None:
    write(root / "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write(root / "sys/class/hwmon/hwmon0/in0_lcrit_alarm", "0\n")
    write(root / "sys/class/hwmon/hwmon3/name", "rpi_volt\n")
    write(root / "sys/class/hwmon/hwmon3/in0_lcrit_alarm", "1\n")
    asked = BoardHealth(root, root=root, ask_firmware=lambda: "throttled=0x4").read()
    assert asked.throttled == Throttled.THROTTLED
    alone = BoardHealth(root, root=root, ask_firmware=no_firmware)
    assert alone.read().throttled == Throttled.UNDER_VOLTAGE
    write(root / "sys/class/hwmon/hwmon3/in0_lcrit_alarm", "0\n")
    assert alone.read().throttled == Throttled(0)
    (root / "sys/class/hwmon/hwmon3/in0_lcrit_alarm").unlink()
    assert alone.read().throttled is None


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("echo throttled=0x50000", "throttled=0x50000\n"),
        ("echo 'no permission' >&2; exit 255", None),
        ("sleep 9", None),
    ],
)
def test_a_real_program_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, answer: str | None
) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("drivers.power.board.VCGENCMD_LIMIT_S", 0.2)
    assert ask_vcgencmd() == answer


def test_without_the_program_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert ask_vcgencmd() is None


@pytest.mark.parametrize(("text", "temperature_c"), [("48312\n", 48.312), ("x", None)])
def test_the_temperature_is_in_degrees(root: Path, text: str, temperature_c: float | None) -> None:
    write(root / "sys/class/thermal/thermal_zone0/temp", text)
    facts = BoardHealth(root, root=root, ask_firmware=no_firmware).read()
    assert facts.temperature_c == temperature_c


@pytest.mark.parametrize(
    ("folder", "mount"),
    [
        ("/home/muster", Mount("179:2", Path("/"), is_read_only=False)),
        ("/var/lib/other", Mount("8:1", Path("/var/lib"), is_read_only=True)),
        ("/var/lib/muster data/x", Mount("8:1", Path("/var/lib/muster data"), is_read_only=True)),
        ("/var/library", Mount("179:2", Path("/"), is_read_only=False)),
    ],
)
def test_a_folder_lies_on_the_deepest_mount_above_it(folder: str, mount: Mount) -> None:
    assert mount_of(Path(folder), MOUNTINFO) == mount


def test_of_two_mounts_at_one_place_the_later_counts() -> None:
    later = "50 21 8:9 / / ro - ext4 /dev/sdb1 rw\n"
    found = mount_of(Path("/home"), MOUNTINFO + later)
    assert found == Mount("8:9", Path("/"), is_read_only=True)


@given(st.text())
def test_any_mountinfo_is_taken(text: str) -> None:
    mount_of(Path("/home"), text)


def disk(root: Path, options: str = "rw") -> None:
    """An eMMC whose second partition holds everything, in the layout of /sys."""
    write(root / "proc/self/mountinfo", f"21 1 179:2 / / rw - ext4 /dev/mmcblk0p2 {options}\n")
    block = root / "sys/devices/mmc0/block/mmcblk0"
    (block / "mmcblk0p2").mkdir(parents=True)
    (root / "sys/dev/block").mkdir(parents=True)
    (root / "sys/dev/block/179:2").symlink_to(block / "mmcblk0p2")
    (root / "sys/class/block").mkdir(parents=True)
    (root / "sys/class/block/mmcblk0p2").symlink_to(block / "mmcblk0p2")


@pytest.mark.parametrize(
    ("life_time", "worn_percent"),
    [("0x01 0x02", 20), ("0x0b 0x01", 110), ("0x0f 0x01", 110), ("0x00 0x00", None), ("x", None)],
)
def test_the_wear_of_an_emmc_is_its_worse_half(
    root: Path, life_time: str, worn_percent: int | None
) -> None:
    disk(root)
    write(root / "sys/devices/mmc0/block/mmcblk0/device/life_time", f"{life_time}\n")
    assert read_disk(root, root).worn_percent == worn_percent


def test_an_sd_card_tells_nothing_of_wear(root: Path) -> None:
    disk(root)
    write(root / "sys/devices/mmc0/block/mmcblk0/device/cid", "x")
    assert read_disk(root, root).worn_percent is None


def test_errors_of_the_file_system_are_counted(root: Path) -> None:
    disk(root)
    write(root / "sys/fs/ext4/mmcblk0p2/errors_count", "3\n")
    assert read_disk(root, root).errors == 3


@pytest.mark.parametrize(
    ("options", "is_read_only"), [("rw", False), ("ro", True), ("rw,errors=remount-ro", False)]
)
def test_a_disk_the_kernel_made_read_only_is_noticed(
    root: Path, options: str, is_read_only: bool
) -> None:
    disk(root, options)
    assert read_disk(root, root).is_read_only is is_read_only


def test_a_folder_that_is_gone_is_an_error(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_disk(root / "gone", root)


def test_this_machine_can_be_read(tmp_path: Path) -> None:
    facts = BoardHealth(tmp_path).read()
    assert facts.disk.free_bytes > 0
    assert not facts.disk.is_read_only
