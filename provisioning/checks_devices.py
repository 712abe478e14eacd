"""How is each device of a terminal: opened for a few seconds, its state and what to do about it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from drivers.device import Look, find_device, look_at_device
from drivers.errors import DriverConfigError
from drivers.gnss.base import NoFix, NoFixReason
from drivers.panel.board import load_board
from drivers.supervisor import DeviceState
from drivers.words import TO_DO, device_words, reason_in
from provisioning.findings import Finding, Mark, Text, bad, good, look
from provisioning.layout import TERMINAL_TOML
from runtime.config import ConfigError, load_config
from runtime.language import Lang
from runtime.locks import Holder, holder_of

LOOK_S = 12.0
"""Above what any driver needs to call a device silent; all are looked at together."""
_OUTBOX_INDEX = "outbox.db-shm"  # locked by SQLite for as long as a terminal has its outbox open


class _Device(Struct, frozen=True):
    kind: str
    port: str


class _Panel(Struct, frozen=True):
    board: str


class _Terminal(Struct, frozen=True):
    """The part of `terminal.toml` that says which devices there are."""

    readers: tuple[_Device, ...]
    gnss: _Device | None = None
    panel: _Panel | None = None
    data: Path = Path("data")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A device that somebody says is there."""

    kind: str
    port: str
    is_optional: bool = False
    """A board profile has a place for it, which may be empty."""


def check_terminal_devices(folder: Path) -> Iterator[Finding]:
    """Every device of the terminal whose folder this is."""
    try:
        settings = load_config(folder / TERMINAL_TOML, _Terminal)
    except ConfigError:
        return  # the check of the folder tells
    named = [*settings.readers, *([settings.gnss] if settings.gnss is not None else [])]
    fitted = [Fitted(device.kind, device.port) for device in named]
    terminal = holder_of(folder / settings.data / _OUTBOX_INDEX)
    if terminal is None:
        yield from look_at_all(fitted)
    else:
        yield from (_used_by_terminal(device, terminal) for device in fitted)
    if settings.panel is not None:
        yield check_profile(settings.panel.board)


def look_at_all(fitted: Sequence[Fitted]) -> Sequence[Finding]:
    """Look at all of them at the same time; in the order given."""

    async def look_at_each() -> Sequence[Finding]:
        return await asyncio.gather(*map(_look_at, fitted))

    return asyncio.run(look_at_each())


def check_profile(name: str) -> Finding:
    """Is the board profile whole?"""
    try:
        load_board(name)
    except DriverConfigError as error:
        return _wrong_setting(error)
    return good(f"板卡配置 {name}", f"Board profile {name}")


async def _look_at(fitted: Fitted) -> Finding:
    try:
        seen = await look_at_device(find_device(fitted.kind, fitted.port), LOOK_S)
    except DriverConfigError as error:
        return _wrong_setting(error)
    return judge_look(fitted, seen)


def judge_look(fitted: Fitted, seen: Look) -> Finding:
    """What a look at a device means for the operator."""
    if isinstance(seen.event, NoFix):
        return _without_position(fitted, seen.event.reason)
    what = _standing(fitted, seen.state, _in_both(lambda lang: reason_in(lang, seen.detail)))
    if seen.state is DeviceState.READY:
        return good(what.zh, what.en)
    to_do = _in_both(lambda lang: device_words(lang).of(seen.state, TO_DO))
    if seen.state is DeviceState.BUSY:
        holder = holder_of(Path(urlsplit(fitted.port).path))
        if holder is not None:
            what = _standing(fitted, seen.state, _process(holder))
        return look(what, to_do)
    if seen.state is DeviceState.MISSING and fitted.is_optional:
        return look(what, to_do)
    return bad(what, to_do)


def _without_position(fitted: Fitted, reason: NoFixReason) -> Finding:
    what = _standing(
        fitted, DeviceState.READY, _in_both(lambda lang: device_words(lang).of(reason))
    )
    if reason is NoFixReason.UNCONFIRMED:
        return Finding(Mark.GOOD, what)
    return look(
        what,
        Text(
            "让天线看到天空；冷启动要几分钟",
            "Give the antenna a view of the sky; a cold start takes minutes",
        ),
    )


def _used_by_terminal(fitted: Fitted, terminal: Holder) -> Finding:
    process = _process(terminal)
    return look(
        Text(
            f"{_name(fitted).zh}：本终端正在使用，{process.zh}",
            f"{_name(fitted).en}: in use by this terminal, {process.en}",
        ),
        Text(
            "它的状态看终端的页面；要在这里检查，请先停掉终端",
            "The terminal's page tells its state; to look at it here, stop the terminal first",
        ),
    )


def _wrong_setting(error: DriverConfigError) -> Finding:
    return bad(
        Text(f"设置有误：{error}", f"A setting is wrong: {error}"),
        Text("改正该设置，或安装所缺的软件包", "Correct the setting, or install what is missing"),
    )


def _standing(fitted: Fitted, state: DeviceState, detail: Text) -> Text:
    name = _name(fitted)
    word = _in_both(lambda lang: device_words(lang).of(state))
    return Text(
        f"{name.zh}：{word.zh}" + (f"，{detail.zh}" if detail.zh else ""),
        f"{name.en}: {word.en}" + (f", {detail.en}" if detail.en else ""),
    )


def _name(fitted: Fitted) -> Text:
    return Text(f"{fitted.kind}（{fitted.port}）", f"{fitted.kind} at {fitted.port}")


def _process(holder: Holder) -> Text:
    shown = f" ({holder.command})" if holder.command else ""
    return Text(f"进程 {holder.pid}{shown}", f"process {holder.pid}{shown}")


def _in_both(say: Callable[[Lang], str]) -> Text:
    return Text(say("zh"), say("en"))
