"""Modems of several processes on one air: real sockets, and virtual time where it works.

A Unix socket within one process hands its bytes over at once, so even virtual time, which waits
for no socket, sees every message when it is sent.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.air.air import Air
from sim.air.antenna import Signal
from sim.air.client import join_air
from sim.air.hearing import Hearing, Outcome
from sim.air.lora import LoraSettings, airtime_s
from sim.air.medium import AirError, Medium
from sim.air.messages import (
    MAX_LINE_BYTES,
    Heard,
    Join,
    MessageError,
    Transmit,
    decode_from_air,
    decode_from_modem,
    encode,
)
from sim.air.server import Address, AirServer
from sim.air.terrain import Place, Terrain
from sim.clock import Run

ENOUGH_S = 20
SF7 = LoraSettings(frequency_hz=471_100_000, spreading_factor=7)
SETTINGS_JSON = '{"frequency_hz":471100000,"spreading_factor":7}'


def ignore(_signal: Signal) -> None:
    pass


def an_air() -> Air:
    return Air(Medium(Terrain(level_db=104)))


def in_real_time(main: Coroutine[Any, Any, None]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(ENOUGH_S):
            await main

    asyncio.run(in_time())


def test_modems_elsewhere_are_modems(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        heard: list[tuple[float, Signal]] = []
        loop = asyncio.get_running_loop()
        async with AirServer(an_air(), tmp_path / "air") as server:
            gateway = await join_air(
                server.address, "gw", lambda signal: heard.append((loop.time(), signal))
            )
            terminal = await join_air(server.address, "t1", ignore)
            await gateway.listen(SF7)
            assert await terminal.cad(SF7) is False
            assert await terminal.channel_dbm(SF7) == pytest.approx(-117.03, abs=0.01)
            began_s = loop.time()
            await terminal.transmit(b"hello", SF7)
            ended_s = began_s + airtime_s(SF7, 5)
            assert loop.time() == pytest.approx(ended_s)
            await terminal.close()
            await gateway.listen(None)
            await gateway.close()
        ((at_s, signal),) = heard
        assert at_s == pytest.approx(ended_s)
        assert signal == Signal(b"hello", -90.0, 27.0)

    run(main())


def a_lossy_hour(run: Run, path: Path) -> list[tuple[str, str, float, Outcome]]:
    async def main() -> list[tuple[str, str, float, Outcome]]:
        hearings: list[Hearing] = []
        loop = asyncio.get_running_loop()
        medium = Medium(Terrain(level_db=104, loss_chance=0.2), seed=5)

        async def chatter(address: Address, name: str, every_s: float) -> None:
            antenna = await join_air(address, name, ignore)
            await antenna.listen(SF7)
            while loop.time() < 3600:
                await asyncio.sleep(every_s)
                await antenna.transmit(bytes(40), SF7)
            await antenna.close()

        async with AirServer(Air(medium, witness=hearings.append), path) as server:
            await asyncio.gather(
                chatter(server.address, "t1", 7.1), chatter(server.address, "t2", 8.3)
            )
        return [
            (h.transmission.sender, h.listener, h.transmission.end_s, h.outcome) for h in hearings
        ]

    return run(main())


def test_the_same_seed_is_the_same_hour_over_sockets(run: Run, tmp_path: Path) -> None:
    first = a_lossy_hour(run, tmp_path / "air")
    assert first == a_lossy_hour(run, tmp_path / "air")
    assert {Outcome.RECEIVED, Outcome.FADED} <= {outcome for _, _, _, outcome in first}


def test_what_the_air_refuses_is_an_error_and_the_modem_stays(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with AirServer(an_air(), tmp_path / "air") as server:
            modem = await join_air(server.address, "t1", ignore)
            with pytest.raises(AirError, match="already"):
                await join_air(server.address, "t1", ignore)
            with pytest.raises(AirError, match="no frame has 256 bytes"):
                await modem.transmit(bytes(256), SF7)
            await modem.transmit(b"x", SF7)
            await modem.close()
            again = await join_air(server.address, "t1", ignore, Place(1.0, 2.0))
            await again.close()

    run(main())


def test_a_modem_without_a_way_to_the_others_is_refused(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with AirServer(Air(Medium(Terrain())), tmp_path / "air") as server:
            placed = await join_air(server.address, "t1", ignore, Place(0.0, 0.0))
            with pytest.raises(AirError, match="t2 gets to t1"):
                await join_air(server.address, "t2", ignore)
            await placed.close()

    run(main())


def test_a_modem_that_gives_up_waiting_is_not_confused_by_the_answer(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with AirServer(an_air(), tmp_path / "air") as server:
            modem = await join_air(server.address, "t1", ignore)
            sending = asyncio.create_task(modem.transmit(bytes(100), SF7))
            await asyncio.sleep(0.01)
            sending.cancel()
            assert await modem.channel_dbm(SF7) < -117
            await modem.close()

    run(main())


def test_when_the_air_goes_everybody_knows(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        server = AirServer(an_air(), tmp_path / "air")
        async with server:
            modem = await join_air(server.address, "t1", ignore)
            sending = asyncio.create_task(modem.transmit(bytes(200), SF7))
            await asyncio.sleep(0.01)
            assert not modem.lost.is_set()
        with pytest.raises(ConnectionError):
            await sending
        await modem.lost.wait()
        with pytest.raises(ConnectionError):
            await modem.listen(SF7)
        await modem.close()
        assert not (tmp_path / "air").exists()
        with pytest.raises(OSError, match="No such file"):
            await join_air(tmp_path / "air", "t1", ignore)

    run(main())


def test_a_modem_that_dies_makes_room(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        air = an_air()
        heard: list[Signal] = []
        async with AirServer(air, tmp_path / "air") as server:
            await air.attach("gw", heard.append).listen(SF7)
            _, writer = await asyncio.open_unix_connection(tmp_path / "air")
            writer.write(encode(Join("t1")) + encode(Transmit(b"last words", SF7)))
            await writer.drain()
            await asyncio.sleep(0.001)
            writer.transport.abort()
            await asyncio.sleep(1)
            await (await join_air(server.address, "t1", ignore)).close()
        assert [signal.frame for signal in heard] == [b"last words"]

    run(main())


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        (b"nonsense\n", "no message of a modem"),
        (b'{"type":"listen","settings":null}\n', "the first line is a join"),
        (b'{"type":"join","name":"t1"}\n{"type":"join","name":"t1"}\n', "joins once"),
        (b'{"type":"join","name":"t1"}\n{"type":"dance"}\n', "no message of a modem"),
        (b"x" * (MAX_LINE_BYTES + 1) + b"\n", "longer than"),
    ],
)
def test_bad_manners_end_the_connection(run: Run, tmp_path: Path, lines: bytes, last: str) -> None:
    async def main() -> bytes:
        async with AirServer(an_air(), tmp_path / "air"):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "air")
            writer.write(lines)
            answers = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answers

    answer = json.loads(run(main()).splitlines()[-1])
    assert answer["type"] == "refused"
    assert last in answer["why"]


def test_an_air_that_talks_nonsense_is_gone(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(b'{"type":"level","power_dbm":-90}\n')
            writer.close()

        server = await asyncio.start_unix_server(talk, tmp_path / "air")
        with pytest.raises(ConnectionError, match="answers with Level"):
            await join_air(tmp_path / "air", "t1", ignore)
        server.close()
        await server.wait_closed()

    run(main())


def test_one_air_to_an_address(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with AirServer(an_air(), tmp_path / "air"):
            with pytest.raises(FileExistsError):
                async with AirServer(an_air(), tmp_path / "air"):
                    pass

    run(main())


STRANGER = f"""
import json, socket, sys
air = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
lines = air.makefile("rw")
for message in (
    {{"type": "join", "name": "stranger"}},
    {{"type": "transmit", "frame": "AQID", "settings": {SETTINGS_JSON}}},
):
    print(json.dumps(message), file=lines, flush=True)
    assert json.loads(lines.readline()) == {{"type": "done"}}
"""


def test_a_modem_in_another_process_and_another_hand() -> None:
    """In real time over TCP; the other side knows nothing but the description of the protocol."""

    async def main() -> None:
        heard: asyncio.Queue[Signal] = asyncio.Queue()
        async with AirServer(an_air(), 0) as server:
            gateway = await join_air(server.address, "gw", heard.put_nowait)
            await gateway.listen(SF7)
            stranger = await asyncio.create_subprocess_exec(
                sys.executable, "-c", STRANGER, str(server.address), stderr=subprocess.PIPE
            )
            _, errors = await stranger.communicate()
            assert (stranger.returncode, errors) == (0, b"")
            assert await heard.get() == Signal(bytes([1, 2, 3]), -90.0, 27.0)
            await gateway.close()

    in_real_time(main())


def test_only_the_loopback_address_is_served() -> None:
    async def main() -> None:
        async with AirServer(an_air(), 0) as server:
            port = int(str(server.address))
            socket.create_connection(("127.0.0.1", port)).close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port))

    in_real_time(main())


@given(st.binary(max_size=60))
def test_every_line_is_a_message_or_an_error(line: bytes) -> None:
    for decode in (decode_from_modem, decode_from_air):
        try:
            message = decode(line)
        except MessageError:
            continue
        assert decode(encode(message)) == message


@given(st.binary(max_size=255), st.integers(0, 3000))
def test_every_frame_fits_a_line(frame: bytes, tenths_dbm: int) -> None:
    sent = Transmit(frame, SF7)
    heard = Heard(frame, -tenths_dbm / 10, 3.25)
    assert decode_from_modem(encode(sent)) == sent
    assert decode_from_air(encode(heard)) == heard
    assert max(len(encode(sent)), len(encode(heard))) * 5 < MAX_LINE_BYTES
