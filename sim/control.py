"""A control socket: one line, one command to a running simulator, one line back.

    $ muster sim tell /tmp/idreader.control present 2
    ok

A command is a verb and its words, quoted as in a shell. The answer is `ok`, `ok: ...` or
`error: ...`, and comes when the command is done. Who may write to the socket file may command.
"""

import asyncio
import contextlib
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from sim.unix_socket import listening

MAX_LINE_BYTES = 4096  # a command is typed by a person, or a script of one
ANSWER_TIMEOUT_S = 10.0  # far above any verb; a simulator that was stopped with ^Z answers never
Answer = str | None
Verb = Callable[[Sequence[str]], Answer | Awaitable[Answer]]
"""Does what the words after the verb say, at once or awaited.

Returns what to answer, one line; raises `ControlError` for words that make no sense and `OSError`
when the machine will not let it.
"""


class ControlError(ValueError):
    """The command makes no sense to this simulator; the text says why."""


async def obey(verbs: Mapping[str, Verb], line: str) -> str:
    """Do one command; the answer."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        return f"error: {error}"
    if not words:
        return "error: no command"
    verb = verbs.get(words[0])
    if verb is None:
        return f"error: no verb {words[0]!r}; there are: {', '.join(sorted(verbs))}"
    try:
        answer = await _done(verb(words[1:]))
    except (ControlError, OSError) as error:
        return f"error: {error}"
    return f"ok: {answer}" if answer else "ok"


class ControlSocket:
    """Listens on a Unix socket at `path` for as long as its context lasts."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path, self._verbs = path, verbs
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        """Listen. Raises `FileExistsError` if a file or a living simulator is there."""
        self._server = await asyncio.start_unix_server(
            self._talk, sock=listening(self._path), limit=MAX_LINE_BYTES
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._talks.values():
            writer.transport.abort()  # a client that reads nothing must not keep us
        await asyncio.gather(*self._talks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio runs this callback in one
        self._talks[task] = writer
        try:
            with contextlib.suppress(OSError):  # the client went away
                await self._answer_lines(reader, writer)
        finally:
            del self._talks[task]
            writer.close()

    async def _answer_lines(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                writer.write(f"error: longer than {MAX_LINE_BYTES} bytes\n".encode())
                return  # where the next command begins, nobody knows
            if not line:
                return
            writer.write(f"{await obey(self._verbs, line.decode(errors='replace'))}\n".encode())
            await writer.drain()


async def tell(path: Path, words: Sequence[str]) -> str:
    """Send one command to the simulator at `path`; its answer.

    Raises `OSError` if there is no simulator or it does not answer (`TimeoutError`,
    `ConnectionError`), `ControlError` for words that do not fit on a line.
    """
    line = shlex.join(words)
    if "\n" in line:
        raise ControlError("a command is one line")
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(f"{line}\n".encode())
            answer = await reader.readline()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    if not answer.endswith(b"\n"):
        raise ConnectionError("the simulator ended before it answered")
    return answer.decode(errors="replace").rstrip("\n")


def no_words(act: Callable[[], Answer | Awaitable[Answer]]) -> Verb:
    """A verb that takes no words."""

    def verb(words: Sequence[str]) -> Answer | Awaitable[Answer]:
        if words:
            raise ControlError("takes no words")
        return act()

    return verb


def one_word(act: Callable[[str], Answer | Awaitable[Answer]]) -> Verb:
    """A verb that takes exactly one word."""

    def verb(words: Sequence[str]) -> Answer | Awaitable[Answer]:
        if len(words) != 1:
            raise ControlError("takes exactly one word")
        return act(words[0])

    return verb


async def _done(answer: Answer | Awaitable[Answer]) -> Answer:
    return await answer if isinstance(answer, Awaitable) else answer
