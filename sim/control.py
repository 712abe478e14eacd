"""A control socket: one line, one command to a running simulator, one line back.

    $ muster sim tell /tmp/idreader.control present 2
    ok

A command is a verb and its words, quoted as in a shell. The answer begins with `ok` or `error`.
"""

import asyncio
import contextlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

MAX_LINE_BYTES = 4096  # a command is typed by a person, or a script of one
Verb = Callable[[Sequence[str]], str | None]
"""Does what the words after the verb say; returns what to answer, raises `ControlError`."""


class ControlError(ValueError):
    """The command makes no sense to this simulator; the text says why."""


def obey(verbs: Mapping[str, Verb], line: str) -> str:
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
        answer = verb(words[1:])
    except ControlError as error:
        return f"error: {error}"
    return f"ok: {answer}" if answer else "ok"


class ControlSocket:
    """Listens on a Unix socket at `path` for as long as its context lasts."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path, self._verbs = path, verbs
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Raises `FileExistsError` if something other than a socket is there."""
        if self._path.is_socket():
            self._path.unlink()  # left behind by a simulator that was killed
        elif self._path.exists():
            raise FileExistsError(f"{self._path} exists and is no socket")
        self._server = await asyncio.start_unix_server(self._talk, self._path, limit=MAX_LINE_BYTES)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        self._path.unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio runs this callback in one
        self._talks.add(task)
        try:
            while line := await reader.readline():
                writer.write(f"{obey(self._verbs, line.decode(errors='replace'))}\n".encode())
                await writer.drain()
        except (OSError, ValueError):
            pass  # went away, or sent a line too long to be a command
        finally:
            self._talks.discard(task)
            with contextlib.suppress(OSError):
                writer.close()


async def tell(path: Path, words: Sequence[str]) -> str:
    """Send one command to the simulator at `path`; its answer. Raises `OSError`."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(f"{shlex.join(words)}\n".encode())
        return (await reader.readline()).decode().rstrip("\n")
    finally:
        writer.close()
        await writer.wait_closed()


def no_words(act: Callable[[], str | None]) -> Verb:
    """A verb that takes no words."""

    def verb(words: Sequence[str]) -> str | None:
        if words:
            raise ControlError("takes no words")
        return act()

    return verb


def one_word(act: Callable[[str], str | None]) -> Verb:
    """A verb that takes exactly one word."""

    def verb(words: Sequence[str]) -> str | None:
        if len(words) != 1:
            raise ControlError("takes exactly one word")
        return act(words[0])

    return verb
