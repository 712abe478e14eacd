"""Devices that answer: frames with a length and a sum, and what lies in them."""

import contextlib
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import xor
from random import Random
from typing import Protocol

from drivers.readers.ndef import NdefError, first_text
from drivers.readers.pn532_frames import (
    Command,
    Pn532Framer,
    answer_to,
    exchanged,
    parse_target,
)
from drivers.readers.resident_card import UnknownLayout, parse_text_block
from drivers.readers.sdt_frames import PREAMBLE, SdtFramer, parse_reply, sam_identity, text_block
from drivers.readers.sdt_heard import Sample
from tests.fuzz.row import Feed, Row


class _Framer(Protocol):
    _pending: bytearray

    @property
    def is_inside_frame(self) -> bool: ...
    def feed(self, data: bytes) -> list[bytes]: ...
    def give_up(self) -> list[bytes]: ...
    def clear(self) -> None: ...


class _Asked:
    """A framer that is told when the rest of a frame will not come."""

    def __init__(self, framer: _Framer) -> None:
        self._framer = framer

    def read(self, payloads: Sequence[bytes]) -> None:
        """Parse as the driver does."""

    def feed(self, data: bytes) -> Sequence[object]:
        payloads = self._framer.feed(data)
        self.read(payloads)
        return payloads

    def quiet(self) -> Sequence[object]:
        payloads: list[bytes] = []
        while self._framer.is_inside_frame:
            payloads += self._framer.give_up()
        self._framer.clear()
        self.read(payloads)
        return payloads

    def as_feed(self) -> Feed:
        return Feed(self.feed, self.quiet, lambda: len(self._framer._pending))


class _Sdt(_Asked):
    def __init__(self) -> None:
        super().__init__(SdtFramer())
        self._heard = Sample()

    def feed(self, data: bytes) -> Sequence[object]:
        self._heard.add(data)
        return super().feed(data)

    def quiet(self) -> Sequence[object]:
        assert str(self._heard.verdict("here"))
        return super().quiet()

    def read(self, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            reply = parse_reply(payload)
            assert reply.words
            sam_identity(reply.data)
            text = text_block(reply.data)
            if text is not None:
                with contextlib.suppress(UnknownLayout):  # the one declared error
                    parse_text_block(text)


def _sdt_reply(random: Random) -> tuple[bytes, object]:
    data = b""
    if random.random() < 0.3:
        text, photo = random.randbytes(256), bytes(1024)
        data = len(text).to_bytes(2, "big") + len(photo).to_bytes(2, "big") + text + photo
    payload = b"\0\0\x90" + data
    checked = (len(payload) + 1).to_bytes(2, "big") + payload
    return PREAMBLE + checked + bytes([reduce(xor, checked)]), payload


class _Pn532(_Asked):
    def __init__(self) -> None:
        super().__init__(Pn532Framer())

    def read(self, payloads: Sequence[bytes]) -> None:
        for body in payloads:
            for command in Command:
                data = answer_to(command, body)
                if data is not None:
                    parse_target(data)
                    exchanged(data)


def _pn532_answer(random: Random) -> tuple[bytes, object]:
    body = b"\xd5" + random.choice((b"\x4b\x01", b"\x41\x00"))
    body += random.randbytes(random.randint(1, 262))
    size = len(body).to_bytes(2, "big")
    short = bytes([len(body) & 0xFF, -len(body) & 0xFF])
    lengths = short if len(body) < 256 else b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    return b"\0\0\xff" + lengths + body + bytes([-sum(body) & 0xFF, 0]), body


def _ndef() -> Feed:
    def read(message: bytes) -> Sequence[object]:
        try:
            return [first_text(message)]
        except NdefError:  # the one declared error
            return ()

    return Feed(read, tuple, lambda: 0)


def _ndef_message(random: Random) -> tuple[bytes, object]:
    text = random.choice(("MT1:6BFOXN%TS3DH", "姓名", ""))
    payload = b"\x02en" + text.encode()
    return bytes([0xD1, 1, len(payload)]) + b"T" + payload, text


ASKED: Mapping[str, Row] = {
    "sdt": Row(lambda: _Sdt().as_feed(), _sdt_reply, 2407, PREAMBLE + b"\x09\x5c"),
    "pn532": Row(
        lambda: _Pn532().as_feed(), _pn532_answer, 275, bytes.fromhex("00 00 FF FF FF 01 09 F6")
    ),
    "ndef": Row(_ndef, _ndef_message, 0, b"\xd1\x01\xff", is_cut=False),
}
