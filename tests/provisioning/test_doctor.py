"""`muster doctor`: every ailment it knows, caused on purpose."""

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from provisioning import checks_machine, checks_node
from provisioning.authority import CRL_LIFE, NODE_LIFE
from provisioning.badges import open_office
from provisioning.bundle import create_county, create_terminal
from provisioning.checks_badges import check_copies, check_issuers
from provisioning.checks_machine import (
    check_clock,
    check_mosquitto,
    check_pins,
    check_ports,
    check_python,
    check_serial_device,
    check_serial_devices,
    judge_disk,
    judge_mosquitto,
)
from provisioning.checks_node import RENEW_WITHIN, check_certificate, check_crl, check_identity
from provisioning.doctor import doctor, examine
from provisioning.findings import Finding, Mark, render
from provisioning.layout import IDENTITY, REVOKED_BADGES, CountyFolder
from provisioning.plans import CountyPlan, DevicePlan, TerminalPlan
from runtime.clock import SystemClock, TimeFloor
from runtime.release import RELEASED
from sim.ports import free_port
from tests.badges import revocations
from tests.parties import Parties

NOW = RELEASED + timedelta(days=10)
Harm = Callable[[Path], object]


@pytest.fixture
def county(tmp_path: Path) -> CountyFolder:
    create_county(
        tmp_path / "county", CountyPlan(broker_port=free_port(), web_port=free_port()), NOW
    )
    return CountyFolder(tmp_path / "county")


@pytest.fixture
def terminal(county: CountyFolder) -> Path:
    plan = TerminalPlan(
        "t1",
        "town-hall",
        readers=(DevicePlan("sdt", "tcp://127.0.0.1:4001"),),
        web_port=free_port(),
    )
    return create_terminal(county.folder, plan, NOW)


def worst(findings: list[Finding]) -> Mark:
    return max(finding.mark for finding in findings)


def english(findings: list[Finding]) -> str:
    return "\n".join(render(finding, "en") for finding in findings)


def test_a_fresh_terminal_is_well(terminal: Path) -> None:
    findings = list(checks_node.check_terminal(terminal, NOW))
    assert worst(findings) is Mark.GOOD, english(findings)
    assert "demo / t1" in english(findings)


def test_a_fresh_county_is_well(county: CountyFolder) -> None:
    findings = list(checks_node.check_county(county, NOW))
    assert worst(findings) is Mark.GOOD, english(findings)
    assert "demo / gateway" in english(findings)


def test_a_county_whose_gateway_has_moved_away_is_well(
    county: CountyFolder, tmp_path: Path
) -> None:
    county.gateway.rename(tmp_path / "gateway")
    assert worst(list(checks_node.check_county(county, NOW))) is Mark.GOOD
    assert worst(list(checks_node.check_gateway(tmp_path / "gateway", NOW))) is Mark.GOOD


def revoke_one(county: CountyFolder) -> None:
    with open_office(county.folder) as office:
        (badge,) = office.issue([bytes(16)], NOW.date() + timedelta(days=9), NOW, renew=True)
        office.revoke([badge.badge.badge_id], NOW)


def test_badge_issuers_and_revoked_badges_are_told(county: CountyFolder, terminal: Path) -> None:
    revoke_one(county)
    (terminal / "data").mkdir()
    (terminal / "data" / REVOKED_BADGES).write_bytes(county.revoked_badges.read_bytes())
    for findings in (
        list(checks_node.check_terminal(terminal, NOW)),
        list(checks_node.check_county(county, NOW)),
    ):
        assert worst(findings) is Mark.GOOD, english(findings)
        assert "Badge issuers known: 1" in english(findings)
        assert "list version 1, 1 badges" in english(findings)


def test_a_gateway_with_another_list_is_bad(county: CountyFolder) -> None:
    revoke_one(county)
    old = county.gateway_revoked_badges.read_bytes()
    revoke_one(county)
    for harm in (
        lambda: county.gateway_revoked_badges.write_bytes(old),
        county.gateway_revoked_badges.unlink,
    ):
        harm()
        (finding,) = check_copies(county)
        assert finding.mark is Mark.BAD
        assert finding.fix is not None
        assert finding.fix.en.startswith("cp ")


def test_a_list_of_somebody_elses_is_bad(terminal: Path) -> None:
    (terminal / "data").mkdir()
    (terminal / "data" / REVOKED_BADGES).write_bytes(revocations(9))
    findings = list(checks_node.check_terminal(terminal, NOW))
    assert worst(findings) is Mark.BAD
    assert "not this county's list" in english(findings)


def test_a_node_that_believes_no_badge_is_told() -> None:
    lonely = replace(Parties().terminal("t1"), badge_issuers={})
    assert check_issuers(lonely).mark is Mark.LOOK


@pytest.mark.parametrize("name", ["node.identity", "tls.key", "tls.crt", "ca.pem"])
def test_a_missing_identity_file_is_named(terminal: Path, name: str) -> None:
    (terminal / IDENTITY / name).unlink()
    (finding,) = check_identity(terminal / IDENTITY, NOW)
    assert finding.mark is Mark.BAD
    assert name in finding.what.en


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("node.identity", lambda path: path.chmod(0o644)),
        ("tls.key", lambda path: path.chmod(0o640)),
        ("node.identity", lambda path: path.write_bytes(b"garbage")),
        ("node.identity", lambda path: path.write_bytes(path.read_bytes()[:-40])),
        ("tls.crt", lambda path: path.write_bytes(b"garbage")),
    ],
)
def test_a_harmed_identity_is_bad(terminal: Path, name: str, harm: Harm) -> None:
    harm(terminal / IDENTITY / name)
    findings = list(check_identity(terminal / IDENTITY, NOW))
    assert worst(findings) is Mark.BAD
    assert name in english([finding for finding in findings if finding.mark is Mark.BAD])


@pytest.mark.parametrize(
    ("age", "mark"),
    [
        (timedelta(0), Mark.GOOD),
        (NODE_LIFE - RENEW_WITHIN + timedelta(days=1), Mark.LOOK),
        (NODE_LIFE + timedelta(seconds=1), Mark.BAD),
        (-timedelta(days=2), Mark.BAD),
    ],
)
def test_a_certificates_days_are_counted(terminal: Path, age: timedelta, mark: Mark) -> None:
    assert check_certificate(terminal / IDENTITY / "tls.crt", NOW + age).mark is mark


@pytest.mark.parametrize(
    ("age", "mark"),
    [
        (timedelta(0), Mark.GOOD),
        (CRL_LIFE - RENEW_WITHIN + timedelta(days=1), Mark.LOOK),
        (CRL_LIFE + timedelta(seconds=1), Mark.BAD),
    ],
)
def test_a_revocation_list_goes_stale(county: CountyFolder, age: timedelta, mark: Mark) -> None:
    assert check_crl(county.broker / "crl.pem", NOW + age).mark is mark


def test_a_damaged_revocation_list_is_bad(county: CountyFolder) -> None:
    (county.broker / "crl.pem").write_bytes(b"")
    assert check_crl(county.broker / "crl.pem", NOW).mark is Mark.BAD


@pytest.mark.parametrize("name", ["server.key", "server.crt", "crl.pem"])
def test_a_missing_broker_file_is_bad(county: CountyFolder, name: str) -> None:
    (county.broker / name).unlink()
    findings = [f for f in checks_node.check_county(county, NOW) if f.mark is Mark.BAD]
    assert len(findings) == 1
    assert name in findings[0].what.en


@pytest.mark.parametrize("name", ["terminal.toml", "gateway.toml", "county.toml"])
def test_a_settings_file_with_a_slip_is_bad(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("web = 3\n")
    findings = list(examine(tmp_path, NOW))
    assert name in english([finding for finding in findings if finding.mark is Mark.BAD])


def test_a_folder_of_nothing_is_bad(tmp_path: Path) -> None:
    assert list(examine(tmp_path, NOW))[-1].mark is Mark.BAD


def test_a_serial_device_that_is_not_there_is_bad(county: CountyFolder, tmp_path: Path) -> None:
    reader = tmp_path / "ttyUSB0"
    plan = TerminalPlan(
        "t2",
        "town-hall",
        readers=(DevicePlan("sdt", f"serial://{reader}?baud=115200"),),
        web_port=free_port(),
    )
    folder = create_terminal(county.folder, plan, NOW)
    assert worst(list(checks_node.check_terminal(folder, NOW))) is Mark.BAD
    reader.touch()
    assert worst(list(checks_node.check_terminal(folder, NOW))) is Mark.GOOD


def test_a_network_interface_that_is_not_there_is_worth_a_word() -> None:
    assert checks_machine.check_interface("lo").mark is Mark.GOOD
    assert checks_machine.check_interface("nowhere0").mark is Mark.LOOK


@pytest.mark.parametrize(("interface", "mark"), [("lo", Mark.GOOD), ("nowhere0", Mark.LOOK)])
def test_the_network_of_the_lanes_is_looked_for(
    county: CountyFolder, interface: str, mark: Mark
) -> None:
    reader = DevicePlan("sdt", "tcp://127.0.0.1:4001")
    plan = TerminalPlan(
        "t2", "town-hall", readers=(reader,), neighbours=interface, web_port=free_port()
    )
    folder = create_terminal(county.folder, plan, NOW)
    assert worst(list(checks_node.check_terminal(folder, NOW))) is mark


def test_a_device_of_another_group_is_bad(tmp_path: Path, mocker: MockerFixture) -> None:
    (tmp_path / "ttyUSB0").touch()
    mocker.patch.object(checks_machine, "_DEV", tmp_path)
    assert check_serial_devices().mark is Mark.GOOD
    mocker.patch("os.access", return_value=False)
    for finding in (check_serial_device(tmp_path / "ttyUSB0"), check_serial_devices()):
        assert finding.mark is Mark.BAD
        assert finding.fix is not None
        assert "dialout" in finding.fix.en


def test_no_serial_device_is_worth_a_word(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(checks_machine, "_DEV", tmp_path)
    assert check_serial_devices().mark is Mark.LOOK


def test_a_port_in_use_is_worth_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        (finding,) = check_ports((taken,))
        assert finding.mark is Mark.LOOK
        assert str(taken) in finding.what.en
    (finding,) = check_ports((taken,))
    assert finding.mark is Mark.GOOD


@pytest.mark.parametrize(
    ("wall_ms", "ntp_error_ms", "has_rtc", "mark"),
    [
        (0, 1, True, Mark.BAD),
        (int(NOW.timestamp() * 1000), 1, False, Mark.GOOD),
        (int(NOW.timestamp() * 1000), None, True, Mark.LOOK),
        (int(NOW.timestamp() * 1000), None, False, Mark.LOOK),
    ],
)
def test_the_clock_is_judged(
    tmp_path: Path, wall_ms: int, ntp_error_ms: int | None, has_rtc: bool, mark: Mark
) -> None:
    clock = SystemClock(
        TimeFloor(tmp_path / "floor"),
        wall_ms=lambda: wall_ms,
        ntp_error_ms=lambda: ntp_error_ms,
        has_rtc=lambda: has_rtc,
    )
    assert check_clock(clock).mark is mark


@pytest.mark.parametrize(
    ("version", "mark"), [((3, 10), Mark.BAD), ((3, 11), Mark.GOOD), ((3, 13), Mark.GOOD)]
)
def test_the_interpreter_is_judged(version: tuple[int, int], mark: Mark) -> None:
    assert check_python(version).mark is mark


@pytest.mark.parametrize(
    ("banner", "mark"),
    [
        ("mosquitto version 2.0.11\n\nmosquitto is an MQTT broker", Mark.GOOD),
        ("mosquitto version 2.1.0-rc1", Mark.GOOD),
        ("mosquitto version 1.6.12", Mark.BAD),
        ("", Mark.LOOK),
    ],
)
def test_mosquittos_version_is_judged(banner: str, mark: Mark) -> None:
    assert judge_mosquitto(banner).mark is mark


@pytest.mark.daemon
def test_the_installed_mosquitto_is_good() -> None:
    assert check_mosquitto(needed=True).mark is Mark.GOOD


@pytest.mark.parametrize(("needed", "mark"), [(True, Mark.BAD), (False, Mark.LOOK)])
def test_a_missing_mosquitto(mocker: MockerFixture, needed: bool, mark: Mark) -> None:
    mocker.patch("shutil.which", return_value=None)
    assert check_mosquitto(needed=needed).mark is mark


@pytest.mark.parametrize(
    ("free_mib", "mark"), [(99, Mark.BAD), (500, Mark.LOOK), (5000, Mark.GOOD)]
)
def test_the_disk_is_judged(free_mib: int, mark: Mark) -> None:
    assert judge_disk(free_mib * 1024**2).mark is mark


@pytest.mark.parametrize(
    ("board", "lgpio", "mark"),
    [
        (None, False, Mark.GOOD),
        ("Some PC", False, Mark.GOOD),
        ("Raspberry Pi 4 Model B Rev 1.5\0", True, Mark.GOOD),
        ("Raspberry Pi 4 Model B Rev 1.5\0", False, Mark.BAD),
    ],
)
def test_the_pins_are_judged(
    tmp_path: Path, mocker: MockerFixture, board: str | None, lgpio: bool, mark: Mark
) -> None:
    if board is not None:
        (tmp_path / "model").write_text(board)
    mocker.patch("importlib.util.find_spec", return_value=object() if lgpio else None)
    assert check_pins(tmp_path / "model").mark is mark


def test_the_command_says_it_in_words_and_in_its_exit_code(tmp_path: Path) -> None:
    now = datetime.now(UTC)  # the command looks at the real clock
    create_county(tmp_path / "county", CountyPlan(), now)
    plan = TerminalPlan("t1", "town-hall", readers=(DevicePlan("sdt", "tcp://127.0.0.1:4001"),))
    terminal = create_terminal(tmp_path / "county", plan, now)
    well = CliRunner().invoke(doctor, [str(terminal), "--lang", "en"])
    assert well.exit_code == 0
    assert "✔ ok" in well.output
    (terminal / IDENTITY / "tls.key").chmod(0o644)
    ill = CliRunner().invoke(doctor, [str(terminal), "--lang", "zh"])
    assert ill.exit_code == 1
    assert "✖ 故障" in ill.output
    assert "→ chmod 600" in ill.output


def test_every_remedy_is_there_in_both_languages(tmp_path: Path) -> None:
    findings = [*examine(None, datetime.now(UTC)), *examine(tmp_path, NOW)]
    for finding in findings:
        assert finding.what.zh
        assert finding.what.en
        assert (finding.fix is None) == (finding.mark is Mark.GOOD)
