"""What a look at a device means for the operator, in both languages."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from drivers.device import Look
from drivers.errors import DriverConfigError
from drivers.gnss.base import NoFix, NoFixReason
from drivers.power.gauge import Charge
from drivers.supervisor import DeviceState
from drivers.words import TO_DO, charge_line, device_words, reason_in
from provisioning.findings import Finding, Text, bad, good, look
from runtime.config import ConfigError
from runtime.language import Lang
from runtime.locks import Holder, holder_of

RADIO = Text("电台", "Radio")
READER, RECEIVER = Text("读卡器", "Reader"), Text("卫星接收机", "Receiver")
GAUGE, PINS, DISPLAY = Text("电量计", "Gauge"), Text("面板", "Panel"), Text("小屏", "Display")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A device that somebody says is there."""

    role: Text
    kind: str
    port: str
    is_optional: bool = False
    """A board profile has a place for it, which may be empty."""

    @property
    def name(self) -> Text:
        """What it is called."""
        return Text(
            f"{self.role.zh} {self.kind}（{self.port}）",
            f"{self.role.en} {self.kind} at {self.port}",
        )


def judge_look(fitted: Fitted, seen: Look) -> Finding:
    """The finding about a device that was looked at."""
    detail = _in_both(lambda lang: _detail(lang, seen))
    if isinstance(seen.event, NoFix) and seen.event.reason is not NoFixReason.UNCONFIRMED:
        return look(
            _standing(fitted, seen.state, detail),
            Text(
                "让天线看到天空；冷启动要几分钟",
                "Give the antenna a view of the sky; a cold start takes minutes",
            ),
        )
    if seen.state is DeviceState.READY:
        what = _standing(fitted, seen.state, detail)
        return good(what.zh, what.en)
    if seen.state is DeviceState.BUSY:
        holder = holder_of(Path(urlsplit(fitted.port).path))
        detail = detail if holder is None else _process(holder)
    is_mild = seen.state is DeviceState.BUSY or (
        seen.state is DeviceState.MISSING and fitted.is_optional
    )
    to_do = _in_both(lambda lang: device_words(lang).of(seen.state, TO_DO))
    return (look if is_mild else bad)(_standing(fitted, seen.state, detail), to_do)


def used_by_terminal(fitted: Fitted, terminal: Holder) -> Finding:
    """The finding about a device that was not looked at, for the terminal is at work with it."""
    name, process = fitted.name, _process(terminal)
    return look(
        Text(
            f"{name.zh}：本终端正在使用，{process.zh}",
            f"{name.en}: in use by this terminal, {process.en}",
        ),
        Text(
            "它的状态看终端的页面；要在这里检查，请先停掉终端",
            "The terminal's page tells its state; to look at it here, stop the terminal first",
        ),
    )


def wrong_setting(error: DriverConfigError | ConfigError, *, is_optional: bool = False) -> Finding:
    """The finding about a setting that names what there is not, or what is not installed."""
    return (look if is_optional else bad)(
        Text(f"设置有误：{error}", f"A setting is wrong: {error}"),
        Text("改正该设置，或安装所缺的软件包", "Correct the setting, or install what is missing"),
    )


def _detail(lang: Lang, seen: Look) -> str:
    if isinstance(seen.event, NoFix):
        return device_words(lang).of(seen.event.reason)
    if isinstance(seen.event, Charge):
        return charge_line(lang, seen.event)
    return reason_in(lang, seen.detail)


def _standing(fitted: Fitted, state: DeviceState, detail: Text) -> Text:
    name = fitted.name
    word = _in_both(lambda lang: device_words(lang).of(state))
    return Text(
        f"{name.zh}：{word.zh}" + (f"，{detail.zh}" if detail.zh else ""),
        f"{name.en}: {word.en}" + (f", {detail.en}" if detail.en else ""),
    )


def _process(holder: Holder) -> Text:
    shown = f" ({holder.command})" if holder.command else ""
    return Text(f"进程 {holder.pid}{shown}", f"process {holder.pid}{shown}")


def _in_both(say: Callable[[Lang], str]) -> Text:
    return Text(say("zh"), say("en"))
