"""What a courier puts into a running terminal's folder, and what the terminal hears of it."""

import asyncio
from pathlib import Path

import pytest

from protocol.courier import CourierHead, CourierKind, CourierMessage, Direction, pack_courier
from protocol.fragments import PREFIX, split
from runtime.spool import Spool
from terminal.links.courier import INBOX, CourierInbox
from tests.inline_threads import use_inline_threads

HEAD = CourierHead(Direction.DOWN, "demo", "t1", 0, 0, 0, 1)
KINDS = list(CourierKind)
TURNS = 50  # of the event loop: more than one look takes


class Listener:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    def carried_receipt(self, message: bytes) -> None:
        self.heard.append(("receipt", message))

    def refusal(self, message: bytes) -> None:
        self.heard.append(("refusal", message))

    def roster_part(self, message: bytes) -> None:
        self.heard.append(("roster", message))

    def activation(self, message: bytes) -> None:
        self.heard.append(("activation", message))

    def revocations(self, message: bytes) -> None:
        self.heard.append(("revocations", message))


def look_once(data: Path) -> list[tuple[str, bytes]]:
    """Let the inbox look into its folder, and hear what came."""
    listener = Listener()

    async def look() -> None:
        use_inline_threads()
        running = asyncio.create_task(CourierInbox(data, listener).run())
        for _ in range(TURNS):
            await asyncio.sleep(0)
        running.cancel()

    asyncio.run(look())
    return listener.heard


def test_each_message_is_heard_as_what_it_is_and_the_file_goes(tmp_path: Path) -> None:
    messages = [CourierMessage(kind, kind.name.encode()) for kind in KINDS]
    Spool(tmp_path / INBOX).put("a", pack_courier(HEAD, messages))
    assert look_once(tmp_path) == [
        (kind.name.lower(), kind.name.encode())
        for kind in KINDS
        if kind is not CourierKind.ENVELOPE
    ]
    assert list(Spool(tmp_path / INBOX).waiting()) == []


def test_files_are_taken_by_name(tmp_path: Path) -> None:
    spool = Spool(tmp_path / INBOX)
    for name in ("t1-2", "t1-1"):
        message = CourierMessage(CourierKind.RECEIPT, name.encode())
        spool.put(name, pack_courier(HEAD, [message]))
    assert look_once(tmp_path) == [("receipt", b"t1-1"), ("receipt", b"t1-2")]


def test_what_means_nothing_is_set_aside_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / INBOX)
    spool.put("a", b"garbage")
    spool.put("b", pack_courier(HEAD, [CourierMessage(CourierKind.RECEIPT, b"good")]))
    assert look_once(tmp_path) == [("receipt", b"good")]
    assert "not a courier file" in caplog.text
    assert len(list(spool.folder.glob("*.refused"))) == 1


def test_a_folder_that_cannot_be_used_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / INBOX).write_bytes(b"a file where the folder should be")
    assert look_once(tmp_path) == []
    assert "the courier's folder cannot be used" in caplog.text


def test_codes_of_the_own_scanner_are_heard_once_they_are_complete(tmp_path: Path) -> None:
    listener = Listener()
    inbox = CourierInbox(tmp_path, listener)
    texts = split(pack_courier(HEAD, [CourierMessage(CourierKind.RECEIPT, bytes(300))]))
    assert [inbox.take_code(text) for text in texts[1:]] == [True] * (len(texts) - 1)
    assert listener.heard == []
    assert inbox.take_code(texts[0])
    assert listener.heard == [("receipt", bytes(300))]


def test_what_is_no_code_of_a_courier_is_left_to_the_station(tmp_path: Path) -> None:
    assert not CourierInbox(tmp_path, Listener()).take_code("MT1:SOMEBODY")


@pytest.mark.parametrize("text", [f"{PREFIX}ABC", split(b"no courier file")[0]])
def test_a_damaged_code_is_nobodys_badge_either(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()
    assert CourierInbox(tmp_path, listener).take_code(text)
    assert listener.heard == []
    assert "a courier's code is refused" in caplog.text
