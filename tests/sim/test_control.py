"""The control socket: real Unix sockets, good manners and bad ones."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sim import control
from sim.cli_tell import tell as tell_command
from sim.control import MAX_LINE_BYTES, ControlError, ControlSocket, no_words, one_word, tell

ENOUGH_S = 5


class Lamp:
    """Something to command."""

    def __init__(self) -> None:
        self.is_on = False
        self.released = asyncio.Event()

    def switch(self, word: str) -> str | None:
        if word not in {"on", "off"}:
            raise ControlError(f"{word!r}: on or off")
        self.is_on = word == "on"
        return "bright" if self.is_on else None

    async def wait(self) -> None:
        await self.released.wait()

    async def stuck(self) -> None:
        raise PermissionError(13, "Permission denied")

    def socket(self, path: Path) -> ControlSocket:
        verbs = {"switch": one_word(self.switch), "wait": no_words(self.wait)}
        return ControlSocket(path, {**verbs, "stuck": no_words(self.stuck)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lamp.control"


def with_lamp(path: Path, scene: Callable[[Lamp], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(ENOUGH_S):
            lamp = Lamp()
            async with lamp.socket(path):
                await scene(lamp)

    asyncio.run(main())


async def send(path: Path, data: bytes) -> bytes:
    """Everything that is answered to `data`, until the simulator or we hang up."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(data)
    writer.write_eof()
    answers = await reader.read()
    writer.close()
    return answers


def test_a_command_is_done_before_it_is_answered(path: Path) -> None:
    async def scene(lamp: Lamp) -> None:
        assert await tell(path, ["switch", "on"]) == "ok: bright"
        assert lamp.is_on
        assert await tell(path, ["switch", "off"]) == "ok"
        waiting = asyncio.create_task(tell(path, ["wait"]))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done
        lamp.released.set()
        assert await waiting == "ok"

    with_lamp(path, scene)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"\n", b"error: no command\n"),
        (b"   \n", b"error: no command\n"),
        (b"switch\n", b"error: takes exactly one word\n"),
        (b"switch on off\n", b"error: takes exactly one word\n"),
        (b"wait now\n", b"error: takes no words\n"),
        (b"switch 'dim\n", b"error: No closing quotation\n"),
        (b"switch dim\n", b"error: 'dim': on or off\n"),
        (b"stuck\n", b"error: [Errno 13] Permission denied\n"),
        (b"Switch on\n", b"error: no verb 'Switch'; there are: stuck, switch, wait\n"),
        (b"\xff\x00\x1b[2J\n", "error: no verb '�\\x00\\x1b[2J'".encode()),
        (b"switch 'on'\nswitch off", b"ok: bright\nok\n"),
        (b"", b""),
    ],
)
def test_hostile_lines_get_an_answer_and_no_more(path: Path, line: bytes, answer: bytes) -> None:
    async def scene(_lamp: Lamp) -> None:
        assert (await send(path, line)).startswith(answer)
        assert await tell(path, ["switch", "on"]) == "ok: bright"  # it lives

    with_lamp(path, scene)


def test_a_line_without_end_is_refused_and_ends_the_talk(path: Path) -> None:
    async def scene(_lamp: Lamp) -> None:
        answer = await send(path, b"switch " + b"x" * (3 * MAX_LINE_BYTES))
        assert answer == f"error: longer than {MAX_LINE_BYTES} bytes\n".encode()
        assert await tell(path, ["switch", "on"]) == "ok: bright"

    with_lamp(path, scene)


def test_two_clients_do_not_wait_for_each_other(path: Path) -> None:
    async def scene(lamp: Lamp) -> None:
        idle_reader, idle = await asyncio.open_unix_connection(path)
        slow = asyncio.create_task(tell(path, ["wait"]))
        assert await tell(path, ["switch", "on"]) == "ok: bright"
        lamp.released.set()
        assert await slow == "ok"
        idle.write(b"switch off\n")
        assert await idle_reader.readline() == b"ok\n"
        idle.close()

    with_lamp(path, scene)


def test_a_client_that_stays_or_never_reads_does_not_keep_the_simulator(path: Path) -> None:
    async def main() -> None:
        async with Lamp().socket(path):
            _, staying = await asyncio.open_unix_connection(path)
            _, deaf = await asyncio.open_unix_connection(path)
            deaf.write(b"nonsense\n" * 50_000)
            await tell(path, ["switch", "on"])
        staying.close()
        deaf.close()

    asyncio.run(asyncio.wait_for(main(), ENOUGH_S))
    assert not path.exists()


def test_a_stale_socket_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def scene(_lamp: Lamp) -> None:
        assert await tell(path, ["switch", "off"]) == "ok"

    with_lamp(path, scene)


def test_a_living_simulator_keeps_its_socket(path: Path) -> None:
    async def scene(_lamp: Lamp) -> None:
        with pytest.raises(FileExistsError, match="belongs to a running simulator"):
            await Lamp().socket(path).__aenter__()
        assert await tell(path, ["switch", "off"]) == "ok"

    with_lamp(path, scene)


def test_what_can_be_seen_can_be_told(path: Path) -> None:
    """Scripts wait for the file to appear, and speak at once."""

    def script() -> bytes:
        deadline_s = time.monotonic() + ENOUGH_S
        while not path.exists():
            assert time.monotonic() < deadline_s
        with socket.socket(socket.AF_UNIX) as talk:
            talk.connect(str(path))
            talk.sendall(b"switch on\n")
            return talk.recv(100)

    async def main() -> None:
        telling = asyncio.create_task(asyncio.to_thread(script))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(ENOUGH_S), Lamp().socket(path):
            assert await telling == b"ok: bright\n"

    asyncio.run(main())
    assert list(path.parent.iterdir()) == []  # no other name was left behind


def test_a_file_in_the_way_is_left_alone(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="is no socket"):
        with_lamp(path, never)
    assert path.read_text() == "precious"


async def never(_lamp: Lamp) -> None:
    raise AssertionError


def test_a_line_break_is_no_part_of_a_word(path: Path) -> None:
    async def scene(lamp: Lamp) -> None:
        with pytest.raises(ControlError, match="one line"):
            await tell(path, ["switch", "off\nswitch on"])
        assert not lamp.is_on

    with_lamp(path, scene)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def tell_a_server_that(talk: Talk, path: Path, words: Sequence[str]) -> str:
    server = await asyncio.start_unix_server(talk, path)
    try:
        return await tell(path, words)
    finally:
        server.close()


def test_a_simulator_that_dies_or_hangs_is_no_answer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(control, "ANSWER_TIMEOUT_S", 0.05)
    with pytest.raises(ConnectionError):
        asyncio.run(tell_a_server_that(dies, path, ["switch", "on"]))
    path.unlink(missing_ok=True)
    with pytest.raises(TimeoutError):
        asyncio.run(tell_a_server_that(hangs, path, ["switch", "on"]))


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    def run(*words: str | Path) -> tuple[int, str]:
        result = CliRunner().invoke(tell_command, [str(word) for word in words])
        return result.exit_code, result.output

    code, output = run(tmp_path / "nobody", "unplug")
    assert (code, "no simulator at" in output) == (1, True)
    code, output = run(tmp_path / ("long" * 50), "unplug")
    assert (code, "too long" in output) == (1, True)
    code, output = run(tmp_path / "nobody", "a\nb")
    assert (code, "one line" in output) == (1, True)
