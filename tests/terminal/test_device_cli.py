"""`muster device` as somebody types it, with a simulator at the other end of a pty."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from drivers.device import ROLES
from drivers.recording import read_recording
from sim.ports import free_port
from terminal.device_cli import device
from tests.simulators import simulator, told

DECK = "number,name\n11010519491231002,张三丰\n44030819990110151,李四\n"
ENOUGH_S = 20


def try_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-u", "-m", "muster", "device", "try", *map(str, arguments)]


def tried(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = try_command(*arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=ENOUGH_S, check=False)


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    path = tmp_path / "deck.csv"
    path.write_text(DECK, encoding="utf-8")
    return path


def test_cards_for_a_program(tmp_path: Path, deck: Path) -> None:
    link, record = tmp_path / "reader", tmp_path / "recording"
    fast = ("--every", "0.7", "--hold", "0.7", "--repeat")
    with simulator("idreader", "--link", link, "--deck", deck, *fast):
        options = ("--port", f"serial://{link}", "--json", "--count", "2", "--record", record)
        done = tried("sdt", *options)
    assert done.returncode == 0
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["event"] for event in events} == {"card"}
    assert {event["number"] for event in events} == {"…002X", "…1512"}
    assert json.loads(done.stderr.splitlines()[0])["state"] == "ready"
    assert read_recording(record).kind == "sdt"
    assert "张".encode("utf-16-le").hex() not in record.read_text()


def test_positions_for_a_program(tmp_path: Path) -> None:
    link = tmp_path / "gnss"
    start = ("--start", "2026-05-01T10:00:00", "--speed", "20")
    with simulator("gnss", "--link", link, *start):
        done = tried("nmea", "--port", f"serial://{link}", "--json", "--count", "3")
    assert done.returncode == 0
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(events) == 3
    assert all(
        list(event) == ["time", "lat", "lon", "alt_m", "fix", "sats", "hdop"] for event in events
    )
    assert events[-1]["fix"] == "sps"
    assert events[-1]["time"].startswith("2026-05-01T10:00:")
    assert events[-1]["time"].endswith("Z")


def test_two_modems_over_the_air_by_pins_and_by_software(tmp_path: Path) -> None:
    pins = free_port()
    with (
        simulator("air", "--link", tmp_path / "air", "--region", "CN470"),
        simulator("e22", *modem(tmp_path, "left"), "--pins", str(pins)),
        simulator("e22", *modem(tmp_path, "right")),
    ):
        hearing = subprocess.Popen(
            try_command("e22", "--port", f"serial://{tmp_path}/right", "--json", "--count", "2"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with hearing:
            assert hearing.stderr is not None
            ready = json.loads(hearing.stderr.readline())
            assert ready == {"state": "ready", "reason": "E22 002210160b0000, 471.125 MHz"}
            wires = f"pigpio://127.0.0.1:{pins}?m0=22&m1=27&aux=17"
            told = ("--send", "2", "--count", "2", "--json", "--pins", wires)
            record = ("--record", tmp_path / "recording")
            sending = tried("e22", "--port", f"serial://{tmp_path}/left", *told, *record)
            heard, _ = hearing.communicate(timeout=ENOUGH_S)
    assert (sending.returncode, hearing.returncode) == (0, 0)
    sent = {"event": "sent", "kind": "e22", "length": 20, "airtime_s": 0.226}
    assert [json.loads(line) for line in sending.stdout.splitlines()] == [sent, sent]
    frame = {"event": "heard", "kind": "e22", "length": 20, "rssi_dbm": -100, "snr_db": None}
    assert [json.loads(line) for line in heard.splitlines()] == [frame, frame]
    assert read_recording(tmp_path / "recording").kind == "e22"


def modem(folder: Path, name: str) -> tuple[str | Path, ...]:
    return ("--link", folder / name, "--air", folder / "air", "--name", name)


def test_states_as_they_change_and_a_clean_end(tmp_path: Path, deck: Path) -> None:
    link, control = tmp_path / "reader", tmp_path / "control"
    command = try_command("sdt", "--lang", "zh", "--port", f"serial://{link}")

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trial:
        assert trial.stdout is not None
        assert "[未连接]" in trial.stdout.readline()
        assert "→ 检查插头和线" in trial.stdout.readline()
        options = ("--link", link, "--deck", deck, "--by-hand", "--control", control)
        with simulator("idreader", *options):
            assert "[就绪] SAM 05.03" in trial.stdout.readline()
            told(control, "present", "1")
            line = trial.stdout.readline()
            assert "居民身份证 张*丰 …002X" in line
            told(control, "unplug")
            assert "[未连接]" in trial.stdout.readline()
            trial.send_signal(signal.SIGINT)
            rest = trial.stdout.read()
        assert trial.wait(ENOUGH_S) == 0
    assert "Traceback" not in rest
    assert "Aborted" not in rest


def test_nothing_decoded_is_exit_code_1_in_time(tmp_path: Path) -> None:
    started_s = time.monotonic()
    done = tried("sdt", "--port", f"serial://{tmp_path}/nobody", "--seconds", "0.3", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert json.loads(done.stderr)["state"] == "missing"
    assert time.monotonic() - started_s < ENOUGH_S / 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["telepathy", "--port", "serial:///dev/x"], "there are: "),
        (["sdt", "--port", "carrier-pigeon:"], "expected serial:///dev/... or tcp://host:port"),
        (["sdt"], "Missing option '--port'"),
        (["sdt", "--port", "serial:///dev/x", "--count", "0"], "--count"),
        (["sdt", "--port", "serial:///dev/x", "--send", "1"], "is no radio"),
        (["e22", "--port", "serial:///dev/x", "--pins", "lgpio"], "lgpio?m0=22&m1=27&aux=17"),
        (["e22", "--port", "serial:///dev/x", "--frequency", "452.125"], "lies in no band"),
    ],
)
def test_what_cannot_be_tried_is_exit_code_2(arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(device, ["try", *arguments])
    assert result.exit_code == 2
    assert complaint in result.output


def test_a_recording_never_overwrites(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    options = ["--port", "serial:///dev/nobody", "--record", str(precious)]
    result = CliRunner().invoke(device, ["try", "sdt", *options])
    assert result.exit_code == 2
    assert "not touching it" in result.output
    assert precious.read_text() == "x"


def test_every_kind_is_listed_with_its_urls() -> None:
    output = CliRunner().invoke(device, ["list"]).output
    listed = [line.split()[:2] for line in output.splitlines()]
    assert listed == [
        [role.value, kind] for role, drivers in ROLES.items() for kind in sorted(drivers)
    ]
    assert "serial:///dev/ttyUSB0?baud=115200" in output


def test_no_two_drivers_share_a_kind() -> None:
    kinds = [kind for drivers in ROLES.values() for kind in drivers]
    assert len(set(kinds)) == len(kinds)
