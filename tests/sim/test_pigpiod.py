"""The simulated pigpiod, byte for byte, and with the clients that other people wrote."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pigpio
import pytest
from gpiozero import LED, Button, PWMOutputDevice
from gpiozero.pins.pigpio import PiGPIOFactory

from sim.devices.header import SAMPLE_TIMES_US, Pull, SimHeader, Wave
from sim.devices.panel import BOUNCE_S
from sim.devices.pigpiod import BAD_GPIO, REVISION, UNKNOWN_COMMAND
from tests.panel_rigs import RunningRig, running_rig

LIMIT_S = 5


@pytest.fixture
def rig() -> Iterator[RunningRig]:
    with running_rig() as running:
        yield running


class Client:
    """Sends requests as hw/pigpio-socket.md has them."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT_S)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.socket.close()

    def ask(self, command: int, p1: int = 0, p2: int = 0, extension: bytes = b"") -> int:
        request = struct.pack("<IIII", command, p1, p2, len(extension)) + extension
        self.socket.sendall(request)
        reply = self.receive(16)
        assert reply[:12] == request[:12]
        return int(struct.unpack("<i", reply[12:])[0])

    def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def report(self) -> tuple[int, int, int, int]:
        seqno, flags, tick, level = struct.unpack("<HHII", self.receive(12))
        return seqno, flags, tick, level


@pytest.fixture
def client(rig: RunningRig) -> Iterator[Client]:
    with Client(rig.rig.daemon.port) as made:
        yield made


def until(is_so: Callable[[], bool]) -> None:
    """Wait for another thread, for a bounded time."""
    for _ in range(LIMIT_S * 100):
        if is_so():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen")


def test_a_pin_is_driven_and_read(client: Client) -> None:
    assert client.ask(17) == REVISION
    assert client.ask(26) == 79
    assert client.ask(1, 5) == 0
    assert client.ask(4, 5, 1) == 0  # WRITE makes it an output
    assert (client.ask(1, 5), client.ask(3, 5)) == (1, 1)
    assert client.ask(10) == 1 << 5
    assert client.ask(12, 1 << 5) == 0
    assert client.ask(14, 1 << 6 | 1 << 13) == 0
    assert client.ask(10) == 1 << 6 | 1 << 13
    assert client.ask(0, 6, 0) == 0
    assert client.ask(3, 6) == 0  # nothing drives it any more
    assert client.ask(2, 6, 2) == 0
    assert client.ask(3, 6) == 1


@pytest.mark.parametrize(
    ("command", "p1", "p2", "result"),
    [
        (0, 32, 0, BAD_GPIO),
        (0, 5, 8, -4),
        (2, 5, 3, -6),
        (3, 99, 0, BAD_GPIO),
        (4, 5, 2, -5),
        (5, 5, 256, -8),
        (6, 5, 24, -21),
        (6, 5, 40_001, -21),
        (83, 5, 0, -92),
        (97, 5, 300_001, -125),
        (97, 32, 5, BAD_GPIO),
        (19, 7, 1, -25),
        (21, 7, 0, -25),
        (8, 5, 1500, UNKNOWN_COMMAND),
        (54, 1, 0x36, UNKNOWN_COMMAND),
        (4_000_000_000, 0, 0, UNKNOWN_COMMAND),
    ],
)
def test_what_cannot_be_is_refused_by_its_number(
    client: Client, command: int, p1: int, p2: int, result: int
) -> None:
    assert client.ask(command, p1, p2) == result
    assert client.ask(3, 5) == 0  # and the connection goes on


def test_an_extension_of_an_unknown_command_is_swallowed(client: Client) -> None:
    assert client.ask(37, 5, 10, b"\x01\0\0\0") == UNKNOWN_COMMAND
    assert client.ask(26) == 79


def test_a_client_that_lost_count_is_let_go(client: Client) -> None:
    client.socket.sendall(struct.pack("<IIII", 3, 5, 0, 0xFFFFFFFF))
    assert client.socket.recv(1) == b""


@pytest.mark.parametrize(
    ("asked", "chosen", "real_range"),
    [(0, 10, 20_000), (1800, 2000, 100), (2400, 2000, 100), (350, 320, 625), (100_000, 8000, 25)],
)
def test_a_frequency_is_the_closest_there_is(
    client: Client, asked: int, chosen: int, real_range: int
) -> None:
    assert client.ask(7, 19, asked) == chosen
    assert client.ask(23, 19) == chosen
    assert client.ask(24, 19) == real_range
    assert client.ask(6, 19, 10_000) == real_range


TABLE = {  # of the documentation of set_PWM_frequency
    1: "40000 20000 10000 8000 5000 4000 2500 2000 1600 1250 1000 800 500 400 250 200 100 50",
    2: "20000 10000 5000 4000 2500 2000 1250 1000 800 625 500 400 250 200 125 100 50 25",
    4: "10000 5000 2500 2000 1250 1000 625 500 400 313 250 200 125 100 63 50 25 13",
    5: "8000 4000 2000 1600 1000 800 500 400 320 250 200 160 100 80 50 40 20 10",
    8: "5000 2500 1250 1000 625 500 313 250 200 156 125 100 63 50 31 25 13 6",
    10: "4000 2000 1000 800 500 400 250 200 160 125 100 80 50 40 25 20 10 5",
}


@pytest.mark.parametrize("sample_us", SAMPLE_TIMES_US)
def test_each_sample_time_has_its_frequencies(sample_us: int) -> None:
    header = SimHeader(sample_us=sample_us)
    frequencies = [int(each) for each in TABLE[sample_us].split()]
    assert [header.set_frequency(4, each) for each in frequencies] == frequencies
    reached = {header.set_frequency(4, each) for each in range(50_000)}
    assert reached == set(frequencies)


def test_no_other_sample_time_exists() -> None:
    with pytest.raises(ValueError, match="sample time 3"):
        SimHeader(sample_us=3)


def test_pwm_is_a_wave_until_it_ends() -> None:
    header = SimHeader()
    header.set_frequency(19, 800)
    header.set_range(19, 10_000)
    assert header.wave(19) is None
    header.set_duty(19, 5000)
    assert header.wave(19) == Wave(800, 0.5)
    header.set_range(19, 100)
    assert header.duty(19) == 50
    header.set_duty(19, 0)
    assert header.wave(19) is None
    header.set_duty(19, 10)
    header.write(19, 0)
    assert (header.wave(19), header.duty(19)) == (None, None)


def test_an_input_is_what_is_wired_to_it() -> None:
    header = SimHeader()
    changed: list[int] = []
    header.watch(changed.append)
    assert header.level(16) == 0
    header.set_pull(16, Pull.UP)
    assert header.level(16) == 1
    header.ground(16, is_grounded=True)
    assert header.level(16) == 0
    header.ground(16, is_grounded=False)
    header.set_pull(16, Pull.DOWN)
    assert header.level(16) == 0
    assert set(changed) == {16}


def test_changes_are_reported_in_order_to_those_who_asked(rig: RunningRig, client: Client) -> None:
    assert client.ask(2, 16, 2) == 0
    with Client(rig.rig.daemon.port) as listener:
        handle = listener.ask(99)
        assert client.ask(19, handle, 1 << 16 | 1 << 5) == 0
        rig.do(lambda: rig.rig.daemon._header.ground(16, is_grounded=True))
        client.ask(4, 5, 1)
        client.ask(4, 6, 1)  # nobody asked about it
        rig.do(lambda: rig.rig.daemon._header.ground(16, is_grounded=False))
        reports = [listener.report() for _ in range(3)]
        assert [report[:2] for report in reports] == [(0, 0), (1, 0), (2, 0)]
        levels = [report[3] & (1 << 16 | 1 << 5) for report in reports]
        assert levels == [0, 1 << 5, 1 << 16 | 1 << 5]
        assert reports[0][2] <= reports[1][2] <= reports[2][2]
        assert client.ask(20, handle) == 0
        client.ask(4, 5, 0)
        assert client.ask(19, handle, 1 << 6) == 0
        client.ask(4, 6, 0)
        assert listener.report()[0] == 3
        assert client.ask(21, handle) == 0
        assert rig.rig.daemon.clients == 0


def test_a_filter_holds_back_what_does_not_last(rig: RunningRig, client: Client) -> None:
    client.ask(2, 16, 2)
    assert client.ask(97, 16, 50_000) == 0
    with Client(rig.rig.daemon.port) as listener:
        handle = listener.ask(99)
        client.ask(19, handle, 1 << 16)
        ground = rig.rig.daemon._header.ground
        for is_grounded in (True, False, True, False, True):
            rig.do(lambda is_grounded=is_grounded: ground(16, is_grounded))  # type: ignore[misc]  # mypy cannot infer a lambda's default
        assert listener.report()[0] == 0
        client.ask(97, 16, 0)
        rig.do(lambda: ground(16, False))
        assert listener.report()[0] == 1


def test_the_library_of_others_drives_the_pins(rig: RunningRig) -> None:
    pi: Any = pigpio.pi("127.0.0.1", rig.rig.daemon.port)
    edges: list[tuple[int, int]] = []
    try:
        assert pi.connected
        assert pi.get_hardware_revision() == REVISION
        pi.write(13, 1)
        assert rig.do(lambda: rig.rig.panel.view.lit) == {"stop"}
        pi.set_mode(20, pigpio.INPUT)
        pi.set_pull_up_down(20, pigpio.PUD_UP)
        heard = pi.callback(20, pigpio.EITHER_EDGE, lambda *edge: edges.append(edge[:2]))
        rig.do(lambda: rig.rig.panel.push("undo", 0.05))
        until(lambda: len(edges) >= 4 and edges[-1] == (20, 1))  # it bounces
        heard.cancel()
        with pytest.raises(pigpio.error, match="GPIO not 0-53"):
            pi.write(54, 1)
        assert pi.get_current_tick() > 0
    finally:
        pi.stop()


def test_gpiozero_has_its_devices_on_it(rig: RunningRig) -> None:
    factory: Any = PiGPIOFactory("127.0.0.1", rig.rig.daemon.port)
    try:
        assert factory.board_info.model == "4B"
        led = LED(5, pin_factory=factory)
        led.on()
        assert rig.do(lambda: rig.rig.panel.view.lit) == {"accepted"}
        led.off()
        assert rig.do(lambda: rig.rig.panel.view.lit) == set()
        pressed = threading.Event()
        button = Button(16, pin_factory=factory)
        button.when_pressed = pressed.set
        rig.do(lambda: rig.rig.panel.press("confirm"))
        assert pressed.wait(LIMIT_S)
        time.sleep(2 * BOUNCE_S)  # a real one bounces too
        assert button.is_pressed
        led.close()
        button.close()
    finally:
        factory.close()


def test_a_tone_of_gpiozero_has_its_frequency() -> None:
    with running_rig(is_tonal=True, sample_us=1) as rig:
        factory: Any = PiGPIOFactory("127.0.0.1", rig.rig.daemon.port)
        try:
            buzzer = PWMOutputDevice(19, pin_factory=factory)
            buzzer.frequency, buzzer.value = 2400, 0.5
            assert rig.do(lambda: rig.rig.panel.view.sound_hz) == 2500
            buzzer.frequency = 350
            assert rig.do(lambda: rig.rig.panel.view.sound_hz) == 400
            buzzer.off()
            assert rig.do(lambda: rig.rig.panel.view.sound_hz) is None
            heard = rig.do(lambda: rig.rig.panel.view.sounds)
            assert [sound.frequency_hz for sound in heard] == [2500, 400]
            buzzer.close()
        finally:
            factory.close()
