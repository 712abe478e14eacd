"""`muster doctor` about a radio: is it legal, and does its modem answer?"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from drivers.errors import DeviceSilent, DriverConfigError, DriverError, PortGone
from drivers.radios.site import RadioSettings
from provisioning import checks_radio
from provisioning.checks_devices import check_terminal_devices
from provisioning.checks_law import check_radio_law
from provisioning.checks_radio import check_gateway_devices, look_at_radio
from provisioning.doctor import doctor
from provisioning.findings import Mark, render
from provisioning.radio_at_work import RadioAtWork, radio_at_work
from sim.clock import Run
from sim.memory import MemoryCable
from tests.radio_rigs import FAMILIES, Ether, in_use, make_rig

HERE = Path()
E22 = RadioSettings("e22", "serial:///dev/nobody", "CN470", 471.125, power_dbm=17)
TOML = """
[radio]
kind = "e22"
port = "serial:///dev/nobody"
region = "CN470"
frequency_mhz = 471.125
power_dbm = {dbm}
"""


def test_no_radio_is_nothing_to_say() -> None:
    assert list(check_radio_law(None, HERE)) == []


def test_a_legal_radio_is_said_to_be() -> None:
    (finding,) = check_radio_law(E22, HERE)
    assert finding.mark is Mark.GOOD
    assert "within the law of CN470 470-510 MHz" in render(finding, "en")


def test_one_that_is_not_names_the_rule() -> None:
    e32 = RadioSettings("e32", "serial:///dev/nobody", "CN470", 471, power_dbm=14)
    (finding,) = check_radio_law(e32, HERE)
    assert finding.mark is Mark.BAD
    assert "must listen before it sends" in render(finding, "en")
    assert "[radio]" in render(finding, "zh")


@asynccontextmanager
async def answers(_: RadioSettings, __: Path) -> AsyncIterator[RadioAtWork]:
    rig = make_rig(FAMILIES["e22"], Ether(), "it")
    async with in_use(rig):
        yield RadioAtWork(rig.radio, None, await rig.ready)


def fails(error: DriverError) -> Callable[..., object]:
    @asynccontextmanager
    async def opened(_: RadioSettings, __: Path) -> AsyncIterator[RadioAtWork]:
        raise error
        yield

    return opened


@asynccontextmanager
async def hangs(_: RadioSettings, __: Path) -> AsyncIterator[RadioAtWork]:
    await asyncio.sleep(1000)
    raise AssertionError("nobody waits so long")
    yield


@pytest.mark.parametrize(
    ("at_work", "mark", "words"),
    [
        (answers, Mark.GOOD, "Radio e22 at serial:///dev/nobody: ready, E22"),
        (fails(PortGone("no such file")), Mark.BAD, "not connected"),
        (fails(DeviceSilent("nothing")), Mark.BAD, "does not answer"),
        (fails(DriverConfigError("no such channel")), Mark.BAD, "no such channel"),
        (hangs, Mark.BAD, "does not answer, no sign of life for 20 s"),
    ],
)
def test_how_the_modem_does(
    run: Run, monkeypatch: pytest.MonkeyPatch, at_work: object, mark: Mark, words: str
) -> None:
    monkeypatch.setattr(checks_radio, "radio_at_work", at_work)
    finding = run(look_at_radio(E22, HERE))
    assert finding.mark is mark
    assert words in render(finding, "en")


def test_a_dead_modem_is_found_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way but for the port."""

    async def open_cable(_: str) -> object:
        return MemoryCable().host

    monkeypatch.setattr("provisioning.radio_at_work.load", lambda _: open_cable)

    async def main() -> None:
        async with radio_at_work(E22, HERE):
            raise AssertionError("nobody answered")

    with pytest.raises(DeviceSilent):
        run(main())


def test_terminal_and_gateway_have_theirs_looked_at(tmp_path: Path) -> None:
    (tmp_path / "terminal.toml").write_text("readers = []\n" + TOML.format(dbm=17))
    (finding,) = check_terminal_devices(tmp_path)
    assert "Radio e22 at serial:///dev/nobody: not connected" in render(finding, "en")
    (tmp_path / "gateway.toml").write_text(TOML.format(dbm=17))
    (finding,) = check_gateway_devices(tmp_path)
    assert "电台 e22（serial:///dev/nobody）：未连接" in render(finding, "zh")
    (tmp_path / "gateway.toml").write_text("")
    assert list(check_gateway_devices(tmp_path)) == []
    (tmp_path / "gateway.toml").write_text("radio = 7")
    (finding,) = check_gateway_devices(tmp_path)
    assert finding.mark is Mark.BAD


def test_the_doctor_judges_and_opens_a_gateways_radio(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(TOML.format(dbm=22))
    result = CliRunner().invoke(doctor, [str(tmp_path), "--devices", "--lang", "en"])
    assert "at most 17 dBm" in result.output
    assert "Radio e22 at serial:///dev/nobody: not connected" in result.output
    result = CliRunner().invoke(doctor, [str(tmp_path), "--lang", "en"])
    assert "not connected" not in result.output
