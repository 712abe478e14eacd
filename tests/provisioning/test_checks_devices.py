"""`muster doctor --devices`: a terminal's devices on real ptys, well and in trouble."""

import fcntl
import sqlite3
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.device import Look
from drivers.gnss.base import NoFix, NoFixReason
from drivers.power.gauge import Charge
from drivers.supervisor import DeviceState
from provisioning import checks_devices
from provisioning.checks_devices import check_board_devices, check_terminal_devices
from provisioning.doctor import doctor
from provisioning.findings import Finding, Mark, render
from provisioning.layout import TERMINAL_TOML
from provisioning.looks import READER, Fitted, judge_look
from tests.simulators import simulator

TERMINAL = """
[[readers]]
kind = "sdt"
port = "serial://{folder}/reader"

[[readers]]
kind = "scanner"
port = "serial://{folder}/scanner"

[gnss]
kind = "nmea"
port = "serial://{folder}/gnss"
"""
PANEL = """
[panel]
board = "pi-4b"
pins = "mock"
"""
SOON_S = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / TERMINAL_TOML).write_text(TERMINAL.format(folder=tmp_path))
    (tmp_path / "deck.csv").write_text("number,name\n11010519491231002,张三丰\n", encoding="utf-8")
    (tmp_path / "codes.txt").write_text("4711\n")
    return tmp_path


def english(findings: list[Finding]) -> list[str]:
    return [render(finding, "en") for finding in findings]


def checked(folder: Path) -> list[Finding]:
    return list(check_terminal_devices(folder))


def test_devices_that_are_well(folder: Path) -> None:
    by_hand = ("--by-hand", "--deck")
    with (
        simulator("idreader", "--link", folder / "reader", *by_hand, folder / "deck.csv"),
        simulator("scanner", "--link", folder / "scanner", *by_hand, folder / "codes.txt"),
        simulator("gnss", "--link", folder / "gnss"),
    ):
        findings = checked(folder)
    assert {finding.mark for finding in findings} == {Mark.GOOD}, english(findings)
    reader, scanner, gnss = english(findings)
    assert f"Reader sdt at serial://{folder}/reader: ready, SAM 05.03-20160817" in reader
    assert "Reader scanner" in scanner
    assert "Receiver nmea" in gnss
    assert "ready, first good position, the next one confirms it" in gnss


def test_devices_in_trouble_are_told_together_and_in_time(folder: Path) -> None:
    started_s = time.monotonic()
    with simulator("gnss", "--link", folder / "reader"):  # two cables swapped
        findings = checked(folder)
    assert time.monotonic() - started_s < SOON_S
    reader, scanner, gnss = findings
    assert {finding.mark for finding in findings} == {Mark.BAD}
    assert "another device" in render(reader, "en")
    assert "接的是别的设备" in render(reader, "zh")
    assert "swapped" in render(reader, "en")
    assert "not connected" in render(scanner, "en")
    assert "未连接" in render(gnss, "zh")


def test_a_port_somebody_holds_is_not_called_missing(folder: Path) -> None:
    link = folder / "reader"
    with (
        simulator("idreader", "--link", link, "--deck", folder / "deck.csv"),
        link.open("rb", buffering=0) as port,
    ):
        fcntl.flock(port, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = checked(folder)[0]
    assert held.mark is Mark.LOOK
    assert "in use by another program, process" in render(held, "en")


def test_a_terminal_at_work_is_left_alone(folder: Path) -> None:
    (folder / "data").mkdir()
    outbox = sqlite3.connect(folder / "data" / "outbox.db", isolation_level=None)
    outbox.execute("PRAGMA journal_mode=WAL")
    outbox.execute("CREATE TABLE t (a)")
    (folder / TERMINAL_TOML).write_text(TERMINAL.format(folder=folder) + PANEL)
    findings = checked(folder)
    outbox.close()
    assert len(findings) == 4
    assert {finding.mark for finding in findings} == {Mark.LOOK}
    assert all("in use by this terminal, process" in line for line in english(findings))
    assert "本终端正在使用" in render(findings[0], "zh")


def test_a_panel_on_mock_pins(folder: Path) -> None:
    toml = '[[readers]]\nkind = "sdt"\nport = "serial:///dev/nobody"\n' + PANEL
    (folder / TERMINAL_TOML).write_text(toml)
    _, panel = checked(folder)
    assert panel.mark is Mark.GOOD  # mock pins float: no word about a loop that nobody can close
    assert "Panel pi-4b at mock: ready" in render(panel, "en")


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ('[[readers]]\nkind = "telepathy"\nport = "serial:///dev/x"\n', "no driver 'telepathy'"),
        ('[[readers]]\nkind = "sdt"\nport = "pigeon:"\n', "expected serial:///dev"),
        (TERMINAL + PANEL.replace("pi-4b", "abacus"), "no board profile hw/abacus.toml"),
        ("readers = 7\n", "readers"),
    ],
)
def test_a_wrong_setting_is_quoted(folder: Path, toml: str, complaint: str) -> None:
    (folder / TERMINAL_TOML).write_text(toml)
    finding = checked(folder)[0]
    assert finding.mark is Mark.BAD
    assert complaint in render(finding, "en")


def test_a_bare_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_devices, "LOOK_S", 0.5)
    findings = list(check_board_devices("pi-5"))
    lines = english(findings)
    assert "Reader sdt at serial:///dev/ttyUSB0" in lines[0]
    assert "Receiver nmea at serial:///dev/ttyAMA0" in lines[1]
    assert "Gauge max17048 at i2c:///dev/i2c-1" in lines[2]
    assert "hw/pi-5.toml is for a Raspberry Pi 5 Model B" in lines[3]
    assert "Display ssd1306" in lines[4] or "display" in lines[4]
    assert [finding.mark for finding in findings] == [
        *(Mark.BAD, Mark.LOOK, Mark.LOOK, Mark.BAD, Mark.LOOK)
    ]
    (unknown,) = check_board_devices("abacus")
    assert unknown.mark is Mark.BAD


@pytest.mark.parametrize("state", DeviceState)
def test_every_state_is_judged_in_both_languages(state: DeviceState) -> None:
    finding = judge_look(Fitted(READER, "sdt", "usb://0400:c35a"), Look(state, "a reason"))
    assert (finding.mark is Mark.GOOD) is (state is DeviceState.READY)
    assert (finding.fix is None) is (state is DeviceState.READY)
    assert "a reason" in finding.what.zh
    assert "a reason" in finding.what.en


def test_an_empty_place_is_no_fault() -> None:
    missing = Look(DeviceState.MISSING, "no chip answers")
    assert judge_look(Fitted(READER, "k", "i2c:///x"), missing).mark is Mark.BAD
    assert judge_look(Fitted(READER, "k", "i2c:///x", is_optional=True), missing).mark is Mark.LOOK


def test_first_words_say_more_than_ready() -> None:
    fitted = Fitted(READER, "k", "p")
    blind = judge_look(
        fitted, Look(DeviceState.READY, "", NoFix(NoFixReason.NO_SATELLITES, received_mono_s=0.0))
    )
    assert blind.mark is Mark.LOOK
    assert "view of the sky" in render(blind, "en")
    charge = Charge(percent=81.4, volts=4.02, is_charging=True, is_on_mains=None, source="max17048")
    full = judge_look(fitted, Look(DeviceState.READY, "", charge))
    assert full.mark is Mark.GOOD
    assert full.what.zh.endswith("就绪，电量 81 %，4.02 V，正在充电，max17048")
    assert full.what.en.endswith("ready, battery 81 %, 4.02 V, charging, max17048")


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(doctor, [*arguments, "--lang", "en"])


def test_the_command(folder: Path) -> None:
    assert ask("--devices").exit_code == 2
    assert ask("--board", "pi-4b").exit_code == 2
    assert ask("--devices", str(folder / "nowhere")).exit_code == 2
    result = ask("--devices", str(folder))
    assert result.exit_code == 1
    assert result.output.count("not connected") == 3
