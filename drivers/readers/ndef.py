"""NDEF: the message a contactless tag holds, and its first text (hw/tags.md 4).

    flags | type length | payload length, 1 or 4 bytes | ID length, if any | type | ID | payload

Pure: bytes in, records or a text out.
"""

from dataclasses import dataclass, field

_BEGINS = 0x80  # first record of the message
_ENDS = 0x40  # last record
_IS_CHUNK = 0x20
_IS_SHORT = 0x10  # the payload's length is one byte, not four
_HAS_ID = 0x08
_NAME_FORMAT = 0x07
WELL_KNOWN = 0x01  # the name format of the two types read here

_TEXT_IS_UTF_16 = 0x80
_TEXT_LANGUAGE_LENGTH = 0x3F
_BYTE_ORDER_MARKS = (b"\xfe\xff", b"\xff\xfe")

# What the first byte of a URI record stands for; 0 and everything unassigned for nothing.
_URI_PREFIXES = (
    *("", "http://www.", "https://www.", "http://", "https://", "tel:", "mailto:"),
    *("ftp://anonymous:anonymous@", "ftp://ftp.", "ftps://", "sftp://", "smb://", "nfs://"),
    *("ftp://", "dav://", "news:", "telnet://", "imap:", "rtsp://", "urn:", "pop:", "sip:"),
    *("sips:", "tftp:", "btspp://", "btl2cap://", "btgoep://", "tcpobex://", "irdaobex://"),
    *("file://", "urn:epc:id:", "urn:epc:tag:", "urn:epc:pat:", "urn:epc:raw:", "urn:epc:"),
    "urn:nfc:",
)


class NdefError(ValueError):
    """The message breaks its own rules, or is in chunks; the text never says what it holds."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a message: what it says it is, and its bytes."""

    name_format: int
    type: bytes
    payload: bytes = field(repr=False)


def first_text(message: bytes) -> str | None:
    """The first Text or URI record as text, None if the message has neither.

    A URI is returned with its prefix written out. Raises `NdefError`, nothing else.
    """
    for record in parse_message(message):
        if record.name_format == WELL_KNOWN and record.type == b"T":
            return _text(record.payload)
        if record.name_format == WELL_KNOWN and record.type == b"U":
            return _uri(record.payload)
    return None


def parse_message(message: bytes) -> list[Record]:
    """The records of a message, at least one; what follows the last one is not looked at.

    Raises `NdefError`, nothing else.
    """
    cursor = _Cursor(message)
    records: list[Record] = []
    while True:
        flags = cursor.number(1)
        if bool(flags & _BEGINS) != (not records):
            raise NdefError("a record begins a message in the middle of one, or none does")
        records.append(_record(flags, cursor))
        if flags & _ENDS:
            return records


def _record(flags: int, cursor: "_Cursor") -> Record:
    if flags & _IS_CHUNK:
        raise NdefError("records in chunks are not supported")
    type_length = cursor.number(1)
    payload_length = cursor.number(1 if flags & _IS_SHORT else 4)
    id_length = cursor.number(1) if flags & _HAS_ID else 0
    kind = cursor.take(type_length)
    cursor.take(id_length)
    return Record(flags & _NAME_FORMAT, kind, cursor.take(payload_length))


class _Cursor:
    """Reads a message from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise NdefError("the message ends inside a record")
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")


def _text(payload: bytes) -> str:
    if not payload:
        raise NdefError("a text record without its first byte")
    language_ends = 1 + (payload[0] & _TEXT_LANGUAGE_LENGTH)
    if language_ends > len(payload):
        raise NdefError("a text record ends inside its language")
    text = payload[language_ends:]
    if not payload[0] & _TEXT_IS_UTF_16:
        return _decoded(text, "utf-8")
    return _decoded(text, "utf-16" if text.startswith(_BYTE_ORDER_MARKS) else "utf-16-be")


def _uri(payload: bytes) -> str:
    if not payload:
        raise NdefError("a URI record without its first byte")
    prefix = _URI_PREFIXES[payload[0]] if payload[0] < len(_URI_PREFIXES) else ""
    return prefix + _decoded(payload[1:], "utf-8")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        # Without its cause, which quotes the bytes.
        raise NdefError(f"a record that is no {encoding}") from None
