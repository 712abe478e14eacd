"""How is each device of a terminal: opened for a few seconds, its state and what to do about it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from drivers.device import Device, Look, Role, find_device, look_at_device
from drivers.errors import DriverConfigError
from drivers.gnss.base import NoFix, NoFixReason
from drivers.panel.board import load_board
from drivers.supervisor import DeviceState
from drivers.words import TO_DO, device_words, reason_in
from provisioning.findings import Finding, Text, bad, good, look
from provisioning.layout import TERMINAL_TOML
from runtime.config import ConfigError, load_config
from runtime.locks import Holder, holder_of

LOOK_S = 12.0
"""Above what a driver needs to call a device silent; all are looked at together."""
_OUTBOX_INDEX = "outbox.db-shm"  # locked by SQLite for as long as a terminal has its outbox open


class _Device(Struct, frozen=True):
    kind: str
    port: str


class _Panel(Struct, frozen=True):
    board: str
    pins: str = "lgpio"


class _Terminal(Struct, frozen=True):
    """The part of `terminal.toml` that says which devices there are."""

    readers: tuple[_Device, ...]
    gnss: _Device | None = None
    panel: _Panel | None = None
    data: Path = Path("data")


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A device somebody says is there; an optional one may as well not be."""

    kind: str
    port: str
    is_optional: bool = False

    @property
    def name(self) -> Text:
        return Text(f"{self.kind}（{self.port}）", f"{self.kind} at {self.port}")


def check_terminal_devices(folder: Path) -> Iterator[Finding]:
    """Every device of the terminal whose folder this is."""
    try:
        settings = load_config(folder / TERMINAL_TOML, _Terminal)
    except ConfigError:
        return  # the check of the folder says it
    fitted = [_Fitted(device.kind, device.port) for device in settings.readers]
    if settings.gnss is not None:
        fitted.append(_Fitted(settings.gnss.kind, settings.gnss.port))
    holder = holder_of(folder / settings.data / _OUTBOX_INDEX)
    if holder is not None:
        yield from (_held_by_terminal(device, holder) for device in fitted)
    else:
        yield from look_at_all(fitted)
    if settings.panel is not None:
        yield from check_profile(settings.panel.board)


def check_board_devices(name: str) -> Iterator[Finding]:
    """Every device that a board profile has a port for, on a machine without a terminal."""
    try:
        board = load_board(name)
    except DriverConfigError as error:
        yield _wrong(error)
        return
    yield from check_profile(name)
    yield from look_at_all(_ports_of(board))


def check_profile(name: str) -> Iterator[Finding]:
    """Is the profile whole?"""
    try:
        load_board(name)
    except DriverConfigError as error:
        yield _wrong(error)
    else:
        yield good(f"主板引脚表 {name}", f"Board profile {name}")


def look_at_all(fitted: Sequence[_Fitted]) -> Sequence[Finding]:
    """Look at all at the same time; in the order given."""

    async def every() -> Sequence[Finding]:
        return await asyncio.gather(*map(_look_at, fitted))

    return asyncio.run(every())


async def _look_at(fitted: _Fitted) -> Finding:
    try:
        device = find_device(fitted.kind, fitted.port)
        seen = await look_at_device(device, LOOK_S)
    except DriverConfigError as error:
        return _wrong(error)
    return judge_look(fitted, device, seen)


def judge_look(fitted: _Fitted, device: Device, seen: Look) -> Finding:
    """What a look at a device means for the operator."""
    if seen.state is DeviceState.READY:
        return _ready(fitted, device, seen)
    if seen.state is DeviceState.BUSY and (holder := _holder_of_port(fitted.port)) is not None:
        return look(_stands(fitted, seen, _process(holder)), _to_do(seen.state))
    what = _stands(fitted, seen, Text(reason_in("zh", seen.detail), reason_in("en", seen.detail)))
    if seen.state is DeviceState.BUSY or (fitted.is_optional and seen.state is DeviceState.MISSING):
        return look(what, _to_do(seen.state))
    return bad(what, _to_do(seen.state))


def _ready(fitted: _Fitted, device: Device, seen: Look) -> Finding:
    if device.role is Role.GNSS and isinstance(seen.event, NoFix):
        why = seen.event.reason
        what = _stands(fitted, seen, Text(*(device_words(lang).of(why) for lang in ("zh", "en"))))
        if why is not NoFixReason.UNCONFIRMED:
            return look(
                what,
                Text(
                    "让天线看到天空；冷启动要几分钟",
                    "Give the antenna a view of the sky; a cold start takes minutes",
                ),
            )
        return Finding(good("", "").mark, what)
    what = _stands(fitted, seen, Text(seen.detail, seen.detail))
    return good(what.zh, what.en)


def _held_by_terminal(fitted: _Fitted, holder: Holder) -> Finding:
    process = _process(holder)
    return look(
        Text(
            f"{fitted.name.zh}：本终端正在使用，{process.zh}",
            f"{fitted.name.en}: in use by this terminal, {process.en}",
        ),
        Text(
            "它的状态看本终端的页面；要在这里检查，请先停掉终端",
            "The terminal's page tells its state; to look at it here, stop the terminal first",
        ),
    )


def _stands(fitted: _Fitted, seen: Look, detail: Text) -> Text:
    state = Text(*(device_words(lang).of(seen.state) for lang in ("zh", "en")))
    return Text(
        f"{fitted.name.zh}：{state.zh}" + (f"，{detail.zh}" if detail.zh else ""),
        f"{fitted.name.en}: {state.en}" + (f", {detail.en}" if detail.en else ""),
    )


def _to_do(state: DeviceState) -> Text:
    return Text(*(device_words(lang).of(state, TO_DO) for lang in ("zh", "en")))


def _holder_of_port(port: str) -> Holder | None:
    parts = urlsplit(port)
    return holder_of(Path(parts.path)) if parts.path.startswith("/dev/") or parts.path else None


def _process(holder: Holder) -> Text:
    return Text(
        f"进程 {holder.pid}（{holder.command}）", f"process {holder.pid} ({holder.command})"
    )


def _wrong(error: DriverConfigError) -> Finding:
    return bad(
        Text(f"设置有误：{error}", f"A setting is wrong: {error}"),
        Text(
            "按提示改正该文件，或安装所缺的软件包", "Correct the file, or install what is missing"
        ),
    )
