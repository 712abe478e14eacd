"""The simulated RAK3172 against the transcripts of hw/rak3172.md, byte for byte."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from sim.air.air import Air, AirAntenna
from sim.air.antenna import Antenna, OnSignal, Signal
from sim.air.hearing import Hearing
from sim.air.lora import LoraSettings, airtime_s
from sim.air.medium import Medium
from sim.air.terrain import Link, Terrain
from sim.clock import Run
from sim.devices.line import PacedLine
from sim.devices.rak3172 import RESTART_S, SimRak3172
from sim.memory import MemoryCable

SF9 = LoraSettings(frequency_hz=471_100_000, spreading_factor=9, power_dbm=17.0)
OK = b"OK\r\n"
PARAM_ERROR = b"AT_PARAM_ERROR\r\n"
BUSY = b"AT_BUSY_ERROR\r\n"
DONE = b"+EVT:TXP2P DONE\r\n"
TIMEOUT = b"+EVT:RXP2P RECEIVE TIMEOUT\r\n"
DISABLE_FIRST = b"P2P_RX_ON already, please disable P2P RX before setting.\r\n" + BUSY
BANNER = b"\r\nCurrent Work Mode: LoRa P2P.\r\n"
SITE = ("AT+NWM=0", "AT+P2P=471100000:9:125:0:8:17")


@dataclass
class Host:
    """Somebody at a terminal program."""

    modem: SimRak3172
    cable: MemoryCable

    def heard(self) -> bytes:
        data = bytes(self.cable.host.received)
        self.cable.host.received.clear()
        return data

    async def types(self, text: str, wait_s: float = 0.2) -> bytes:
        await self.cable.host.write(text.encode("latin-1"))
        await asyncio.sleep(wait_s)
        return self.heard()

    async def says(self, command: str, wait_s: float = 0.2) -> bytes:
        return await self.types(f"{command}\r\n", wait_s)


class Sky:
    """An air, and what became of every frame."""

    def __init__(self, links: dict[tuple[str, str], Link] | None = None) -> None:
        self.hearings: list[Hearing] = []
        self.air = Air(Medium(Terrain(links or {}, level_db=100)), self.hearings.append)

    @asynccontextmanager
    async def host(
        self,
        name: str = "it",
        *,
        site: Sequence[str] = SITE,
        is_high_band: bool = False,
        baud: int | None = None,
    ) -> AsyncIterator[Host]:
        async def attach(on_signal: OnSignal) -> Antenna:
            return self.air.attach(name, on_signal)

        cable = MemoryCable()
        modem = SimRak3172(PacedLine(cable.device, baud), attach, is_high_band=is_high_band)
        running = asyncio.create_task(modem.run())
        host = Host(modem, cable)
        for command in site:
            await host.says(command, RESTART_S + 1)
        host.heard()
        yield host
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def send(self, frame: bytes, settings: LoraSettings = SF9) -> None:
        """A frame from another modem."""
        other = self.air.attach("other", lambda _: None)
        await other.transmit(frame, settings)
        await other.close()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\n\n\r\r"])
def test_any_end_of_line_ends_a_command(run: Run, end: str) -> None:
    async def main() -> None:
        async with Sky().host(site=()) as host:
            assert await host.types(f"AT{end}") == OK
            assert await host.types(f"at{end}At{end}") == OK + OK

    run(main())


def test_a_modem_as_delivered(run: Run) -> None:
    async def main() -> None:
        async with Sky().host(site=()) as host:
            assert await host.says("AT+VER=?") == b"AT+VER=RUI_5.0.0_RAK3172-E\r\n" + OK
            assert await host.says("AT+NWM=?") == b"AT+NWM=1\r\n" + OK
            for command in ("AT+P2P=?", "AT+PRECV=0", "AT+PSEND=00", "AT+CAD=1", "AT+SYNCWORD=?"):
                assert await host.says(command) == b"AT_MODE_NO_SUPPORT\r\n"
            assert await host.says("AT+NWM=0", 2) == b"OK" + BANNER
            assert await host.says("AT+P2P=?") == b"AT+P2P=470000000:7:0:0:8:14\r\n" + OK
            assert await host.says("AT+SYNCWORD=?") == b"AT+SYNCWORD=1424\r\n" + OK
            assert await host.says("AT+CAD=?") == b"AT+CAD=0\r\n" + OK
            assert await host.says("AT+ENCRY=?") == b"AT+ENCRY=0\r\n" + OK
            assert await host.says("AT+PRECV=?") == b"P2P_RX_OFF\r\n" + OK

    run(main())


def test_the_other_board_is_on_the_other_side_of_600_mhz(run: Run) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host("H", site=("AT+NWM=0",), is_high_band=True) as high:
            assert await high.says("AT+P2P=?") == b"AT+P2P=868000000:7:0:0:8:14\r\n" + OK
            assert await high.says("AT+P2P=600000000:7:0:0:8:14") == PARAM_ERROR
            assert await high.says("AT+P2P=600000001:7:0:0:8:14") == OK
        async with sky.host("L", site=("AT+NWM=0",)) as low:
            assert await low.says("AT+P2P=600000001:7:0:0:8:14") == PARAM_ERROR
            assert await low.says("AT+P2P=600000000:7:0:0:8:14") == OK

    run(main())


@pytest.mark.parametrize(
    "words",
    [
        "471100000:9:125:0:8",
        "471100000:9:125:0:8:17:0:0",
        "471100000:9:125:0:8:17:2",
        "149999999:9:0:0:8:17",
        "960000001:9:0:0:8:17",
        "471100000:4:0:0:8:17",
        "471100000:13:0:0:8:17",
        "471100000:9:10:0:8:17",
        "471100000:9:0:4:8:17",
        "471100000:9:0:0:4:17",
        "471100000:9:0:0:65536:17",
        "471100000:9:0:0:8:4",
        "471100000:9:0:0:8:23",
        "471100000:9:00:0:8:17",
        "471100000::0:0:8:17",
        "0471100000x:9:0:0:8:17",
        "00471100000:9:0:0:8:17",
    ],
)
def test_parameters_out_of_range_change_nothing(run: Run, words: str) -> None:
    async def main() -> None:
        async with Sky().host() as host:
            assert await host.says(f"AT+P2P={words}") == PARAM_ERROR
            assert await host.says("AT+P2P=?") == b"AT+P2P=471100000:9:0:0:8:17\r\n" + OK

    run(main())


def test_settings_survive_a_restart_but_not_those_for_now(run: Run) -> None:
    async def main() -> None:
        async with Sky().host() as host:
            assert await host.says("AT+SYNCWORD=3444") == OK
            assert await host.says("AT+CAD=1") == OK
            assert await host.says("AT+P2P=471100000:10:0:0:8:17:1") == OK
            assert await host.says("AT+P2P=?") == b"AT+P2P=471100000:10:0:0:8:17\r\n" + OK
            assert await host.says("AT+PRECV=65533") == OK
            assert await host.says("ATZ", 2) == BANNER
            assert await host.says("AT+P2P=?") == b"AT+P2P=471100000:9:0:0:8:17\r\n" + OK
            assert await host.says("AT+SYNCWORD=?") == b"AT+SYNCWORD=3444\r\n" + OK
            assert await host.says("AT+CAD=?") == b"AT+CAD=1\r\n" + OK
            assert await host.says("AT+PRECV=?") == b"P2P_RX_OFF\r\n" + OK
            assert await host.says("AT+P2P=471100000:8:1:3:65535:5:0") == OK
            assert await host.says("AT+P2P=?") == b"AT+P2P=471100000:8:1:3:65535:5\r\n" + OK
            assert await host.says("ATR", 2) == b"\r\nCurrent Work Mode: LoRaWAN.\r\n"
            assert await host.says("AT+NWM=?") == b"AT+NWM=1\r\n" + OK

    run(main())


def test_what_is_typed_during_a_restart_is_lost(run: Run) -> None:
    async def main() -> None:
        async with Sky().host() as host:
            assert await host.types("ATZ\r\nAT+CAD=?\r\nAT+C", 0.5) == b""
            await host.types("AD=?\r\n", 0.1)
            await asyncio.sleep(1)
            assert host.heard() == BANNER
            assert await host.says("AT") == OK

    run(main())


def test_mistakes(run: Run) -> None:
    async def main() -> None:
        async with Sky().host() as host:
            for command in ("XYZZY", "AT+", "\xc1T", "AT+NOSUCH=1"):
                assert await host.says(command) == b"AT_COMMAND_NOT_FOUND\r\n"
            assert await host.says("A" * 32) == b"AT_ERROR\r\n"
            for command in (
                *("AT+P2P", "AT+P2P=", "AT=1", "ATZ=1", "AT+VER=1", "AT+PSEND", "AT+PSEND=?"),
                *("AT+NWM=3", "AT+NWM=00", "AT+NWM=0:0", "AT+CAD=2", "AT+CAD=on", "AT+ENCRY=2"),
                *("AT+SYNCWORD=14", "AT+SYNCWORD=142x", "AT+PRECV=65536", "AT+PRECV=-1"),
            ):
                assert await host.says(command) == PARAM_ERROR, command
            assert await host.says("AT+CAD?") == OK

    run(main())


def test_a_line_is_kept_up_to_2047_characters(run: Run) -> None:
    async def main() -> None:
        async with Sky().host() as host:
            assert await host.says("AT+CAD=0" + ":" * 2039) == PARAM_ERROR
            assert await host.says("AT" + "\x08" * 2 + "AT") == b"\x08\x20\x08" * 2 + OK
            assert await host.says("\x7fAT") == OK  # there was nothing to rub out

    run(main())


def test_echo(run: Run) -> None:
    async def main() -> None:
        async with Sky().host() as host:
            assert await host.says("ATE") == OK
            assert await host.types("AT+C") == b"AT+C"
            assert await host.types("AD=?\r\n") == b"AD=?\n\rAT+CAD=0\r\n" + OK
            assert await host.says("ATZ", 2) == b"ATZ\n\r" + BANNER
            assert await host.says("ATE") == b"ATE\n\r" + OK
            assert await host.says("AT") == OK

    run(main())


def test_a_frame_sent_and_a_frame_received(run: Run) -> None:
    """What another LoRa radio with the same settings hears is a plain packet."""

    async def main() -> None:
        sky = Sky({("it", "other"): Link(path_loss_db=110)})
        heard: list[Signal] = []
        other = sky.air.attach("other", heard.append)
        await other.listen(SF9)
        async with sky.host() as host:
            assert await host.says("AT+PSEND=11223344", airtime_s(SF9, 4) - 0.001) == OK
            await asyncio.sleep(0.002)
            assert host.heard() == DONE
            assert [signal.frame for signal in heard] == [bytes.fromhex("11223344")]
            assert await host.says("AT+PRECV=65533") == OK
            await other.transmit(bytes.fromhex("aabbcc"), SF9)
            await asyncio.sleep(0.1)
            assert host.heard() == b"+EVT:RXP2P:-93:24:AABBCC\r\n"

    run(main())


def test_239_bytes_are_the_most(run: Run) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host() as host:
            for digits in ("1", "123", "12 34", "xy", "11" * 240):
                assert await host.says(f"AT+PSEND={digits}") == PARAM_ERROR
            assert await host.says("AT+PSEND=" + "aB" * 239, 2) == OK + DONE
            other = sky.air.attach("other", lambda _: None)
            await host.says("AT+PSEND=" + "01" * 239, 2)
            await other.close()
        assert {len(each.transmission.frame) for each in sky.hearings} == {239}

    run(main())


def test_a_window_takes_one_frame_or_ends(run: Run) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host() as host:
            assert await host.says("AT+PRECV=1", 0.014) == OK  # 1 to 14 are 15
            await asyncio.sleep(0.002)
            assert host.heard() == TIMEOUT
            assert await host.says("AT+PRECV=3000") == OK
            assert await host.says("AT+PRECV=?") == b"P2P_RX_ON\r\n" + OK
            assert await host.says("AT+PSEND=00") == BUSY
            assert await host.says("AT+P2P=471100000:9:0:0:8:17") == DISABLE_FIRST
            await sky.send(b"\x01")
            await sky.send(b"\x02")
            assert host.heard() == b"+EVT:RXP2P:-83:34:01\r\n"
            await asyncio.sleep(5)
            assert await host.says("AT+PRECV=?") == b"P2P_RX_OFF\r\n" + OK
            assert await host.says("AT+PRECV=1000") == OK
            assert await host.says("AT+PRECV=2000", 1.5) == OK  # begins anew
            assert await host.says("AT+PRECV=0", 2) == OK

    run(main())


def test_65535_takes_one_frame(run: Run) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host() as host:
            assert await host.says("AT+PRECV=65535", 3600) == OK
            assert await host.says("AT+PSEND=00") == BUSY
            await sky.send(b"\x01")
            await sky.send(b"\x02")
            assert host.heard() == b"+EVT:RXP2P:-83:34:01\r\n"
            assert await host.says("AT+PSEND=00", 1) == OK + DONE

    run(main())


def test_65534_does_not_let_anything_be_sent(run: Run) -> None:
    """Forum thread 11916."""

    async def main() -> None:
        sky = Sky()
        async with sky.host() as host:
            assert await host.says("AT+PRECV=65534") == OK
            assert await host.says("AT+PSEND=00") == BUSY
            assert await host.says("AT+PRECV=65533") == b"P2P_RX_ON already\r\n" + BUSY
            assert await host.says("AT+PRECV=100") == b"P2P_RX_ON already\r\n" + BUSY
            for command in (
                *("AT+P2P=471100000:9:0:0:8:17", "AT+SYNCWORD=1424", "AT+ENCRY=0", "AT+NWM=0"),
                "AT+P2P=471100000:9:0:0:8:17:1",
            ):
                assert await host.says(command) == DISABLE_FIRST
            assert await host.says("AT+CAD=0") == OK
            await sky.send(b"\x01")
            await sky.send(b"\x02")
            assert host.heard() == b"+EVT:RXP2P:-83:34:01\r\n+EVT:RXP2P:-83:34:02\r\n"
            assert await host.says("AT+PSEND=00") == BUSY
            assert await host.says("AT+PRECV=0") == OK
            assert await host.says("AT+PSEND=00", 1) == OK + DONE

    run(main())


def test_a_bad_crc(run: Run) -> None:
    """It ends 65535; 65534 hears on, but has forgotten that it must not send."""

    async def main() -> None:
        sky = Sky({("other", "it"): Link(loss_chance=1.0, path_loss_db=100)})
        async with sky.host() as host:
            for way, is_on in ((65535, False), (65534, True), (65533, True)):
                assert await host.says(f"AT+PRECV={way}") == OK
                await sky.send(b"\x01")
                assert host.heard() == b"+EVT:RXP2P RECEIVE ERROR\r\n"
                state = b"P2P_RX_ON\r\n" if is_on else b"P2P_RX_OFF\r\n"
                assert await host.says("AT+PRECV=?") == state + OK
                if way == 65534:
                    assert await host.says("AT+PSEND=00", 1) == OK + DONE
                await host.says("AT+PRECV=0")

    run(main())


def test_65533_receives_again_after_sending(run: Run) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host() as host:
            assert await host.says("AT+PRECV=65533") == OK
            await sky.send(b"\x01")
            assert await host.says("AT+PSEND=00", 1) == b"+EVT:RXP2P:-83:34:01\r\n" + OK + DONE
            await sky.send(b"\x02")
            assert host.heard() == b"+EVT:RXP2P:-83:34:02\r\n"

    run(main())


def test_after_sending_without_65533_it_is_deaf(run: Run) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host() as host:
            assert await host.says("AT+PSEND=00", 1) == OK + DONE
            await sky.send(b"\x01")
            assert host.heard() == b""
            assert await host.says("AT+PSEND=" + "00" * 50) == OK
            assert await host.says("AT+PSEND=00", 1) == BUSY + DONE

    run(main())


@pytest.mark.parametrize("command", ["AT+PSEND=22", "AT+PRECV=0"])
def test_a_transmission_that_is_cut_off_is_never_done(run: Run, command: str) -> None:
    async def main() -> None:
        async with Sky().host() as host:
            assert await host.says("AT+PRECV=65533") == OK
            assert await host.says("AT+PSEND=" + "11" * 100) == OK
            said = await host.says(command, 5)
            assert said == (OK + DONE if "PSEND" in command else OK)

    run(main())


def test_listening_first_refuses_once_and_leaves_it_deaf(run: Run) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host() as host:
            assert await host.says("AT+CAD=1") == OK
            assert await host.says("AT+PRECV=65533") == OK
            somebody = asyncio.create_task(sky.send(bytes(100)))
            await asyncio.sleep(0.1)
            assert await host.says("AT+PSEND=00") == BUSY
            await somebody
            assert host.heard() == b""  # what was coming in is cut off
            assert await host.says("AT+PRECV=?") == b"P2P_RX_ON\r\n" + OK
            await sky.send(b"\x01")
            assert host.heard() == b""
            assert await host.says("AT+PRECV=65533") == b"P2P_RX_ON already\r\n" + BUSY
            assert await host.says("AT+PRECV=0") == OK
            assert await host.says("AT+PRECV=65533") == OK
            await sky.send(b"\x02")
            assert host.heard() == b"+EVT:RXP2P:-83:34:02\r\n"
            assert await host.says("AT+PSEND=00", 1) == OK + DONE

    run(main())


@pytest.mark.parametrize("other", ["AT+SYNCWORD=3444", "AT+P2P=471100000:9:3:0:8:17", "AT+NWM=2"])
def test_other_settings_are_another_channel(run: Run, other: str) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host() as host:
            await host.says(other, 2)
            assert await host.says("AT+PRECV=65533") == OK
            await sky.send(b"\x01")
            assert host.heard() == b""
            assert await host.says("AT+PSEND=00", 2) == OK + DONE

    run(main())


def test_an_event_comes_between_the_lines_of_an_answer(run: Run) -> None:
    async def main() -> None:
        sky = Sky()
        async with sky.host(baud=1200) as host:
            assert await host.says("AT+PRECV=65533", 1) == OK
            sending = asyncio.create_task(sky.send(b"\x01"))
            await asyncio.sleep(airtime_s(SF9, 1) - 0.05)
            said = await host.says("AT+P2P=?", 2)  # 26 bytes take 0.2 s
            await sending
            value = b"AT+P2P=471100000:9:0:0:8:17\r\n"
            assert said == value + b"+EVT:RXP2P:-83:34:01\r\n" + OK

    run(main())


def test_frames_are_not_lost_while_an_earlier_one_is_told(run: Run) -> None:
    """Its radio is faster than its line, and sends in the middle of that."""

    async def main() -> None:
        sky = Sky()
        async with sky.host(baud=300) as host:
            assert await host.says("AT+PRECV=65533", 1) == OK
            await sky.send(b"\x01")
            await sky.send(b"\x02")
            assert b"\r\n" not in host.cable.host.received
            said = await host.says("AT+PSEND=00", 5)
            events = [line for line in said.split(b"\r\n") if b"EVT" in line]
            assert [line[-2:] for line in events] == [b"01", b"02", b"NE"]

    run(main())


def test_troubles(run: Run) -> None:
    async def main() -> None:
        async with Sky().host() as host:
            host.modem.damaged_commands = 1
            assert await host.says("AT") == b"AT_COMMAND_NOT_FOUND\r\n"
            assert await host.says("AT") == OK
            await host.modem.lose_power()
            assert host.heard() == BANNER
            await host.modem.forget()
            assert await host.says("AT+NWM=?") == b"AT+NWM=1\r\n" + OK
            host.modem.die()
            assert await host.says("AT") == b""

    run(main())


def test_a_modem_ends_with_its_air(run: Run) -> None:
    class Vanishing(AirAntenna):
        async def transmit(self, frame: bytes, settings: LoraSettings) -> None:
            raise ConnectionError(f"gone with {len(frame)} bytes at {settings.frequency_hz} Hz")

    async def attach(on_signal: OnSignal) -> Antenna:
        air = Sky().air
        air.attach("it", on_signal)
        return Vanishing(air, "it")

    async def main() -> None:
        cable = MemoryCable()
        modem = SimRak3172(cable.device, attach)
        running = asyncio.create_task(modem.run())
        await cable.host.write(b"AT+NWM=0\r\n")
        await asyncio.sleep(2)
        await cable.host.write(b"AT+PSEND=00\r\n")
        with pytest.raises(ConnectionError, match="gone with 1 bytes"):
            await running

    run(main())
