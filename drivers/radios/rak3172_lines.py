"""Lines of a RAK3172: cut from the stream and understood. Pure and total; hw/rak3172.md 2 to 5, 7.

A line may begin with anything, what is left of a torn one say; what counts is how it ends.
`readers/line_framer.py` would not do: it refuses such lines, and ends one at a pause.
"""

import re
from dataclasses import dataclass, field
from enum import Enum

MAX_FRAME_BYTES = 239
# The longest line: an event with as many bytes as a LoRa packet can have, and what is before them.
LINE_MAX_BYTES = 600
_END = re.compile(rb"[\r\n]")


class Status(Enum):
    """How a command ended; the values are what the modem says."""

    OK = "OK"
    ERROR = "AT_ERROR"
    PARAM_ERROR = "AT_PARAM_ERROR"
    BUSY_ERROR = "AT_BUSY_ERROR"
    TEST_PARAM_OVERFLOW = "AT_TEST_PARAM_OVERFLOW"
    NO_CLASSB_ENABLE = "AT_NO_CLASSB_ENABLE"
    NO_NETWORK_JOINED = "AT_NO_NETWORK_JOINED"
    RX_ERROR = "AT_RX_ERROR"
    MODE_NO_SUPPORT = "AT_MODE_NO_SUPPORT"
    COMMAND_NOT_FOUND = "AT_COMMAND_NOT_FOUND"
    UNSUPPORTED_BAND = "AT_UNSUPPORTED_BAND"


class Event(Enum):
    """What the modem says by itself and that has no more to it."""

    SENT = "+EVT:TXP2P DONE"
    RESTARTED = "Current Work Mode: "
    NOTHING = "+EVT:RXP2P RECEIVE "
    """A window is over, or a frame was damaged in the air."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is said to be; `name` is the command that sets it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame from the air."""

    frame: bytes = field(repr=False)
    rssi_dbm: int
    snr_db: int


Line = Status | Event | Value | Packet

_STATUS = re.compile("(?:" + "|".join(each.value for each in Status) + ")$")
_PACKET = re.compile(r"\+EVT:RXP2P:(-?\d{1,3}):(-?\d{1,3}):((?:[0-9A-Fa-f]{2}){1,255})$")
_VALUE = re.compile(r"(AT\+[A-Z0-9]+)=([^=?]+)$")
_RECEIVING = re.compile(r"P2P_RX_(ON|OFF)$")
_EVENT = re.compile(
    r"(\+EVT:TXP2P DONE$|\+EVT:RXP2P RECEIVE (?=TIMEOUT$|ERROR$)|Current Work Mode: (?=.+\.$))"
)
RECEIVE = "AT+PRECV"


def understand(line: bytes) -> Line | None:
    """What a line without its end says; None: nothing that is known."""
    text = line.decode("latin-1")
    if match := _EVENT.search(text):
        return Event(match[1])
    if match := _PACKET.search(text):
        return Packet(bytes.fromhex(match[3]), rssi_dbm=int(match[1]), snr_db=int(match[2]))
    if match := _RECEIVING.search(text):
        return Value(RECEIVE, match[1])
    if match := _STATUS.search(text):
        return Status(match[0])
    if match := _VALUE.search(text):
        return Value(match[1], match[2])
    return None


class LineSplitter:
    """Cuts a stream into lines. Empty ones, too long ones and unknown ones are dropped."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[Line]:
        """Take bytes; return what the lines they complete say."""
        *whole, rest = _END.split(self._pending + data)
        self._pending = rest[: LINE_MAX_BYTES + 1]  # enough to know that it is too long
        said = (understand(line) for line in whole if 0 < len(line) <= LINE_MAX_BYTES)
        return [item for item in said if item is not None]


def ask(name: str) -> bytes:
    """The command for what a setting is."""
    return f"{name}=?\r\n".encode()


def put(name: str, value: str) -> bytes:
    """The command that sets it."""
    return f"{name}={value}\r\n".encode()


def send(frame: bytes) -> bytes:
    """The command that puts a frame on the air."""
    return put("AT+PSEND", frame.hex().upper())
