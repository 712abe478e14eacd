"""Folders of a county and its terminals: readable by those who use them, whole or not there."""

import shutil
import stat
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from gateway.settings import GatewaySettings
from protocol.errors import Malformed
from protocol.keys import Role, decode_identity, verify_enrolment
from protocol.radio_keys import group_radio_key, node_radio_key
from provisioning import bundle
from provisioning.bundle import create_county, create_terminal
from provisioning.errors import AlreadyThere, BadPlan, NoSuchCounty
from provisioning.layout import IDENTITY, CountyFolder
from provisioning.plans import CountyPlan, DevicePlan, Point, TerminalPlan
from runtime.clock import SystemClock, TimeFloor
from runtime.config import load_config
from runtime.release import RELEASED
from runtime.tls import client_context
from terminal.settings import TerminalSettings

NOW = RELEASED + timedelta(days=10)
SCHOOL = Point("school", "中心小学", 'The "old" school')


@pytest.fixture
def county(tmp_path: Path) -> CountyFolder:
    create_county(tmp_path / "county", CountyPlan(), NOW)
    return CountyFolder(tmp_path / "county")


def terminal(name: str = "t1") -> TerminalPlan:
    return TerminalPlan(name, "town-hall")


def test_the_gateway_understands_its_settings(tmp_path: Path) -> None:
    plan = CountyPlan(
        name="linshan",
        title_zh="临山县",
        title_en="Linshan",
        broker_hosts=("192.0.2.7", "gw.example"),
        broker_port=18883,
        gateway="gw",
        points=(SCHOOL, Point("square", "广场", "Square")),
        mode="real",
        web_port=18080,
    )
    create_county(tmp_path / "c", plan, NOW)
    settings = load_config(tmp_path / "c/gateway/gateway.toml", GatewaySettings)
    assert (settings.county, settings.node, settings.title_zh) == ("linshan", "gw", "临山县")
    assert (settings.broker.host, settings.broker.port) == ("192.0.2.7", 18883)
    assert [point.name for point in settings.points] == ["school", "square"]
    assert settings.points[0].title_en == SCHOOL.title_en
    assert settings.activation.mode == "real"
    assert settings.web.port == 18080


def test_a_terminal_understands_its_settings(county: CountyFolder) -> None:
    plan = TerminalPlan(
        "t1",
        "town-hall",
        lane=2,
        readers=(
            DevicePlan("sdt", "tcp://127.0.0.1:4001", poll_s=0.25),
            DevicePlan("sdt", "serial:///dev/ttyUSB1"),
        ),
        gnss=DevicePlan("nmea", "serial:///dev/gnss?baud=9600"),
        board="pi-4b",
        pins="mock",
        web_port=18081,
    )
    made = create_terminal(county.folder, plan, NOW)
    settings = load_config(made / "terminal.toml", TerminalSettings)
    assert made == county.terminal("t1")
    assert (settings.county, settings.node, settings.point) == ("demo", "t1", "town-hall")
    assert (settings.lane, settings.web.port) == (2, 18081)
    assert [(reader.port, reader.poll_s) for reader in settings.readers] == [
        ("tcp://127.0.0.1:4001", 0.25),
        ("serial:///dev/ttyUSB1", None),
    ]
    assert settings.gnss is not None
    assert settings.gnss.port == "serial:///dev/gnss?baud=9600"
    assert settings.panel is not None
    assert (settings.panel.board, settings.panel.pins) == ("pi-4b", "mock")


def test_a_terminal_needs_neither_receiver_nor_panel(county: CountyFolder) -> None:
    made = create_terminal(county.folder, terminal(), NOW)
    settings = load_config(made / "terminal.toml", TerminalSettings)
    assert settings.gnss is None
    assert settings.panel is None


def test_terminal_and_gateway_know_each_other(county: CountyFolder) -> None:
    made = create_terminal(county.folder, terminal(), NOW)
    node = decode_identity((made / IDENTITY / "node.identity").read_bytes())
    gateway = decode_identity((county.gateway / IDENTITY / "node.identity").read_bytes())
    enrolled = verify_enrolment(gateway.authority, county.enrolment("t1").read_bytes()).enrolment
    (peer,) = node.peers
    assert (enrolled.node, enrolled.role, enrolled.point) == ("t1", Role.TERMINAL, "town-hall")
    assert enrolled.signing_public == node.signing_key.public_key().public_bytes_raw()
    assert enrolled.sealing_public == node.opening_key.public_key().public_bytes_raw()
    assert enrolled.issued_ms == int(NOW.timestamp() * 1000)
    assert (peer.enrolment.node, peer.enrolment.role) == ("gateway", Role.GATEWAY)
    assert peer.enrolment.signing_public == gateway.signing_key.public_key().public_bytes_raw()
    assert node.county_key == gateway.county_key
    assert len(node.county_key) == 32


def test_a_gateway_can_derive_the_radio_keys_of_everybody(county: CountyFolder) -> None:
    made = [create_terminal(county.folder, terminal(name), NOW) for name in ("t1", "t2")]
    gateway = decode_identity((county.gateway / IDENTITY / "node.identity").read_bytes())
    assert gateway.radio_address == 0
    for address, folder in enumerate(made, 1):
        node = decode_identity((folder / IDENTITY / "node.identity").read_bytes())
        enrolled = verify_enrolment(
            gateway.authority, county.enrolment(node.node).read_bytes()
        ).enrolment
        assert node.radio_address == enrolled.radio_address == address
        assert node.radio_key == node_radio_key(gateway.radio_key, "demo", node.node)
        assert node.group_radio_key == gateway.group_radio_key
        assert gateway.group_radio_key == group_radio_key(gateway.radio_key, "demo")
        assert gateway.radio_key not in (folder / IDENTITY / "node.identity").read_bytes()


def test_a_radio_address_is_never_given_to_another_terminal(county: CountyFolder) -> None:
    shutil.rmtree(create_terminal(county.folder, terminal("lost"), NOW))
    county.enrolment("lost").unlink()
    for name, address in (("t2", 2), ("lost", 1), ("t3", 3)):
        made = create_terminal(county.folder, terminal(name), NOW)
        node = decode_identity((made / IDENTITY / "node.identity").read_bytes())
        assert node.radio_address == address


def test_two_terminals_share_no_key(county: CountyFolder) -> None:
    folders = [create_terminal(county.folder, terminal(name), NOW) for name in ("t1", "t2")]
    one, two = (decode_identity((f / IDENTITY / "node.identity").read_bytes()) for f in folders)
    assert one.signing_key.private_bytes_raw() != two.signing_key.private_bytes_raw()
    assert one.opening_key.private_bytes_raw() != two.opening_key.private_bytes_raw()
    assert (folders[0] / IDENTITY / "tls.key").read_bytes() != (
        folders[1] / IDENTITY / "tls.key"
    ).read_bytes()


def test_two_counties_share_no_key(tmp_path: Path) -> None:
    for name in ("a", "b"):
        create_county(tmp_path / name, CountyPlan(), NOW)
    for key in (tmp_path / "a/authority").glob("*.key"):
        assert key.read_bytes() != (tmp_path / "b/authority" / key.name).read_bytes()


def test_secrets_are_their_owners_alone(county: CountyFolder) -> None:
    create_terminal(county.folder, terminal(), NOW)
    secrets = [p for p in county.folder.rglob("*") if p.suffix in {".key", ".identity"}]
    assert len(secrets) == 11  # authority 6, broker 1, gateway 2, terminal 2
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path


def test_a_terminals_folder_can_be_moved(county: CountyFolder, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(create_terminal(county.folder, terminal(), NOW), moved)
    settings = load_config(moved / "terminal.toml", TerminalSettings)
    assert not settings.identity.is_absolute()
    assert not settings.data.is_absolute()
    client_context(moved / settings.identity, SystemClock(TimeFloor(tmp_path / "floor")))
    for path in moved.rglob("*"):
        assert path.is_dir() or str(county.folder).encode() not in path.read_bytes()


def test_terminals_can_be_made_after_gateway_and_root_key_have_left(
    county: CountyFolder, tmp_path: Path
) -> None:
    shutil.move(county.gateway, tmp_path / "gateway-machine")
    (county.authority / "root.key").unlink()
    create_terminal(county.folder, terminal(), NOW)
    assert county.enrolment("t1").exists()


def test_nothing_is_written_over(county: CountyFolder) -> None:
    create_terminal(county.folder, terminal(), NOW)
    before = {path: path.read_bytes() for path in county.folder.rglob("*") if path.is_file()}
    with pytest.raises(AlreadyThere):
        create_county(county.folder, CountyPlan(), NOW)
    with pytest.raises(AlreadyThere):
        create_terminal(county.folder, terminal(), NOW)
    with pytest.raises(AlreadyThere):
        create_terminal(county.folder, terminal("gateway"), NOW)
    assert before == {p: p.read_bytes() for p in county.folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "plan",
    [
        CountyPlan(name="Demo"),
        CountyPlan(gateway="#"),
        CountyPlan(points=(Point("a b", "一", "one"),)),
        CountyPlan(points=()),
        CountyPlan(points=(SCHOOL, SCHOOL)),
        CountyPlan(broker_hosts=()),
        CountyPlan(broker_hosts=("not a host",)),
        CountyPlan(title_zh="两\n行"),
        CountyPlan(broker_user="nobody-of-that-name"),
    ],
)
def test_a_county_that_cannot_be_leaves_nothing(tmp_path: Path, plan: CountyPlan) -> None:
    with pytest.raises((BadPlan, Malformed)):
        create_county(tmp_path / "county", plan, NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "plan",
    [
        TerminalPlan("T1", "town-hall"),
        TerminalPlan("../t1", "town-hall"),
        TerminalPlan("t1", "school"),
        TerminalPlan("t1", "town-hall", readers=(DevicePlan("sdt", "/dev/ttyUSB0"),)),
        TerminalPlan("t1", "town-hall", gnss=DevicePlan("nmea", "COM3")),
        TerminalPlan("t1", "town-hall", board="pi\n4b"),
    ],
)
def test_a_terminal_that_cannot_be_leaves_nothing(county: CountyFolder, plan: TerminalPlan) -> None:
    with pytest.raises((BadPlan, Malformed)):
        create_terminal(county.folder, plan, NOW)
    assert [p for p in county.folder.rglob("*") if p.name.startswith((".new-", "t1"))] == []
    assert list(county.enrolments.iterdir()) == []


def test_a_full_disk_leaves_nothing(county: CountyFolder, mocker: MockerFixture) -> None:
    mocker.patch.object(bundle, "write_atomic", side_effect=OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space"):
        create_terminal(county.folder, terminal(), NOW)
    assert not county.terminal("t1").exists()
    assert list(county.terminal("t1").parent.iterdir()) == []


def test_no_certificates_from_a_machine_that_woke_up_in_2000(
    county: CountyFolder, tmp_path: Path
) -> None:
    in_2000 = datetime(2000, 1, 1, tzinfo=UTC)
    with pytest.raises(BadPlan, match="clock says 2000-01-01"):
        create_county(tmp_path / "other", CountyPlan(), in_2000)
    with pytest.raises(BadPlan, match="clock says 2000-01-01"):
        create_terminal(county.folder, terminal(), in_2000)


def test_no_terminal_without_a_county(tmp_path: Path) -> None:
    with pytest.raises(NoSuchCounty, match="muster provision county"):
        create_terminal(tmp_path, terminal(), NOW)


def test_the_brokers_files_go_to_whoever_runs_it(tmp_path: Path, mocker: MockerFixture) -> None:
    chown = mocker.patch.object(shutil, "chown")
    create_county(tmp_path / "county", CountyPlan(broker_user="nobody"), NOW)
    broker = CountyFolder(tmp_path / "county").broker
    given = {call.args[0].name for call in chown.call_args_list}
    assert given == {broker.name} | {path.name for path in broker.iterdir()}
    assert {call.args[1] for call in chown.call_args_list} == {"nobody"}
    assert "user nobody\n" in (broker / "mosquitto.conf").read_text()


def test_only_root_can_give_files_away(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(shutil, "chown", side_effect=PermissionError(1, "not permitted"))
    with pytest.raises(BadPlan, match="only root"):
        create_county(tmp_path / "county", CountyPlan(broker_user="nobody"), NOW)
    assert list(tmp_path.iterdir()) == []


def test_any_printable_title_survives(tmp_path: Path) -> None:
    title = 'A "quoted" \\ title # with = signs [x] 😀 县'
    create_county(tmp_path / "c", CountyPlan(title_en=title), NOW)
    assert tomllib.loads((tmp_path / "c/county.toml").read_text())["title_en"] == title
