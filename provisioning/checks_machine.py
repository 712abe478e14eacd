"""Is this machine fit: interpreter, clock, disk, pins, broker, ports, serial devices?"""

import errno
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from provisioning.findings import Finding, Text, bad, good, look
from runtime.clock import ClockSource, SystemClock, TimeFloor

MIN_PYTHON = (3, 11)  # pyproject.toml
MIN_MOSQUITTO = (2, 0)  # the first with MQTT 5 reason codes, `tls_version tlsv1.3` as "only 1.3"
DISK_BAD_BYTES = 100 * 1024**2  # about 300 000 check-ins; the outbox would soon have to refuse
DISK_LOOK_BYTES = 1024**3
SERIAL_PATTERNS = ("ttyUSB*", "ttyACM*", "ttyAMA*", "serial[0-9]")
_DEV = Path("/dev")
_BOARD_MODEL = Path("/proc/device-tree/model")
_NO_FLOOR = Path("/nonexistent")  # Debian's name for what is never there: the release date counts
_SBIN = "/usr/sbin"  # not in an ordinary user's PATH on Debian
_PROBE_LIMIT_S = 5


def check_everywhere(folder: Path) -> Iterator[Finding]:
    """What every node needs; `folder` is where its data will be."""
    yield check_python(sys.version_info[:2])
    yield check_clock(SystemClock(TimeFloor(_NO_FLOOR)))
    yield check_disk(folder)
    yield check_pins(_BOARD_MODEL)


def check_python(version: tuple[int, ...]) -> Finding:
    """The interpreter."""
    shown = ".".join(map(str, version))
    if version >= MIN_PYTHON:
        return good(f"Python {shown}", f"Python {shown}")
    wanted = ".".join(map(str, MIN_PYTHON))
    return bad(
        Text(f"Python {shown} 太旧", f"Python {shown} is too old"),
        Text(f"请安装 Python {wanted} 或更新版本", f"Install Python {wanted} or newer"),
    )


def check_clock(clock: SystemClock) -> Finding:
    """Is the wall clock believable?"""
    if clock.is_behind_floor():
        return bad(
            Text("时钟早于本软件发布日期，肯定不对", "The clock is before this program's release"),
            Text(
                "联网校时（timedatectl set-ntp true）或接上卫星接收机",
                "Synchronise it (timedatectl set-ntp true) or connect a satellite receiver",
            ),
        )
    source = clock.read().source
    if source is ClockSource.NTP:
        return good("时钟已同步", "The clock is synchronised")
    fix = Text(
        "联网校时，或接上卫星接收机，或加装时钟电池",
        "Connect a network with NTP, a satellite receiver or a battery clock",
    )
    if source is ClockSource.RTC:
        return look(Text("时钟仅靠电池时钟", "The clock runs on its battery clock alone"), fix)
    return look(Text("时钟没有任何校准来源", "Nothing vouches for the clock"), fix)


def check_disk(folder: Path) -> Finding:
    """Room for what is captured."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return judge_disk(shutil.disk_usage(place).free)


def judge_disk(free_bytes: int) -> Finding:
    """Is that much free space enough?"""
    shown = f"{free_bytes / 1024**2:.0f} MiB"
    what = Text(f"磁盘可用 {shown}", f"{shown} of disk free")
    if free_bytes >= DISK_LOOK_BYTES:
        return good(what.zh, what.en)
    fix = Text("请清理磁盘或换更大的存储卡", "Free some space, or use a larger card")
    return look(what, fix) if free_bytes >= DISK_BAD_BYTES else bad(what, fix)


def check_pins(model: Path) -> Finding:
    """Can the panel's pins be driven?"""
    try:
        board = model.read_text().rstrip("\0")
    except OSError:
        board = ""
    if "Raspberry Pi" not in board:
        return good("不是树莓派，面板只能模拟", "Not a Raspberry Pi: a panel can only be simulated")
    if importlib.util.find_spec("lgpio") is not None:
        return good(f"{board}：lgpio 可用", f"{board}: lgpio is there")
    return bad(
        Text(
            f"{board}：缺少 lgpio，指示灯和蜂鸣器不能用", f"{board}: no lgpio, no lights or buzzer"
        ),
        Text("apt-get install python3-lgpio 或 pip install lgpio", "pip install lgpio"),
    )


def check_mosquitto(*, needed: bool) -> Finding:
    """Is the broker installed? Without being needed, its absence is only worth a word."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SBIN)
    install = Text(
        "县级机器请执行 apt-get install mosquitto",
        "On the county's machine: apt-get install mosquitto",
    )
    if program is None:
        missing = Text("没有 mosquitto", "mosquitto is not installed")
        return bad(missing, install) if needed else look(missing, install)
    shown = subprocess.run(
        [program, "-h"], capture_output=True, text=True, timeout=_PROBE_LIMIT_S, check=False
    )
    return judge_mosquitto(shown.stdout)


def judge_mosquitto(banner: str) -> Finding:
    """Is the version that `mosquitto -h` prints new enough?"""
    found = re.search(r"version (\d+)\.(\d+)(\S*)", banner)
    if found is None:
        return look(
            Text("mosquitto 版本不明", "mosquitto does not say its version"),
            Text("请检查安装", "Check the installation"),
        )
    shown = f"mosquitto {found[1]}.{found[2]}{found[3]}"
    if (int(found[1]), int(found[2])) >= MIN_MOSQUITTO:
        return good(shown, shown)
    return bad(
        Text(f"{shown} 太旧", f"{shown} is too old"),
        Text("请安装 mosquitto 2.0 或更新版本", "Install mosquitto 2.0 or newer"),
    )


def check_ports(ports: Iterable[int]) -> Iterator[Finding]:
    """Can somebody still listen there?"""
    for port in ports:
        trouble = _listen_trouble(port)
        if trouble is None:
            yield good(f"端口 {port} 空闲", f"Port {port} is free")
        elif trouble == errno.EACCES:
            yield bad(
                Text(f"无权使用端口 {port}", f"Port {port} is not allowed for this user"),
                Text("请改用 1024 以上的端口", "Use a port above 1023"),
            )
        else:
            yield look(
                Text(f"端口 {port} 已被占用", f"Port {port} is in use"),
                Text(
                    "若是本系统已在运行则无妨，否则请停掉占用者或改端口",
                    "Fine if Muster is running already; otherwise stop the other program "
                    "or change the port",
                ),
            )


def _listen_trouble(port: int) -> int | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
        except OSError as error:
            return error.errno
    return None


def check_serial_devices() -> Finding:
    """Which serial lines are there?"""
    found = sorted(path for pattern in SERIAL_PATTERNS for path in _DEV.glob(pattern))
    if not found:
        return look(
            Text("没有串口设备", "There is no serial device"),
            Text("接上读卡器，再运行一次", "Plug in the reader and run this again"),
        )
    shut = [path for path in found if not os.access(path, os.R_OK | os.W_OK)]
    if shut:
        return not_permitted(shut[0])
    names = " ".join(map(str, found))
    return good(f"串口：{names}", f"Serial devices: {names}")


def check_serial_device(path: Path) -> Finding:
    """Is the device a setting names there, and may we use it?"""
    if not path.exists():
        return bad(
            Text(f"{path} 不存在", f"{path} is not there"),
            Text(
                "检查接线，或改 terminal.toml 中的端口",
                "Check the cable, or the port in terminal.toml",
            ),
        )
    if not os.access(path, os.R_OK | os.W_OK):
        return not_permitted(path)
    return good(f"{path} 可用", f"{path} can be used")


def check_interface(name: str) -> Finding:
    """Is the network interface a setting names there?"""
    if name not in {found for _, found in socket.if_nameindex()}:
        return look(
            Text(f"没有网络接口 {name}", f"There is no network interface {name}"),
            Text(
                "检查网卡，或改 terminal.toml 中的 [neighbours]；没有它，各通道互不知情",
                "Check the adapter, or [neighbours] in terminal.toml; "
                "without it the lanes do not know of each other",
            ),
        )
    return good(f"网络接口 {name} 可用", f"Network interface {name} is there")


def not_permitted(path: Path) -> Finding:
    """A device this user may not open."""
    return bad(
        Text(f"无权使用 {path}", f"No permission for {path}"),
        Text(
            "sudo usermod -aG dialout $USER，然后重新登录",
            "sudo usermod -aG dialout $USER, then log in again",
        ),
    )
