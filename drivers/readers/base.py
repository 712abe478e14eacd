"""What every reader owes its caller: documents, codes and tags, told apart and told once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Protocol


class DocumentKind(Enum):
    """Which document was read."""

    RESIDENT = "resident"  # resident identity card
    HMT_PERMIT = "hmt_permit"  # residence permit for people of Hong Kong, Macau and Taiwan
    FOREIGN_2017 = "foreign_2017"  # foreigner's permanent residence card, 2017 form
    FOREIGN_2023 = "foreign_2023"  # the same, 2023 form
    TRAVEL_DOCUMENT = "travel_document"  # passport or card, by its machine-readable zone


@dataclass(frozen=True, slots=True)
class CardRead:
    """One document, read whole and undamaged.

    Sex, birth, address, ethnicity, photo and fingerprints are dropped in the parser: no muster
    needs them. `number_is_valid` tells whether the number has the right form and check digit.
    A date is None when the card holds none or an impossible one; `never_expires` is True when
    the card says "long term" where `valid_until` would be.
    """

    document: DocumentKind
    number: str = field(repr=False)
    number_is_valid: bool
    name: str = field(repr=False)
    valid_from: date | None
    valid_until: date | None
    never_expires: bool


@dataclass(frozen=True, slots=True)
class CodeRead:
    """One barcode or QR code, whole. What it means is for the caller to find out."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TagRead:
    """One contactless tag. Its `uid` can be copied: it names, it proves nothing.

    `text` is the first text of its NDEF message, None if it holds none. `uid` is empty for a tag
    that makes up a new one each time, such as a phone: only its text tells it from others.
    """

    uid: bytes = field(repr=False)
    text: str | None = field(repr=False)


class TroubleReason(Enum):
    """Why a document that is there could not be taken; the value is for logs and records."""

    HOLD_STILL = "hold_still"  # moved or torn while it was read: present it again
    NOT_READABLE = "not_readable"  # found, but no retry gets anything out of it
    POSSIBLY_FORGED = "possibly_forged"  # the reader does not believe the card
    CARD_REFUSED_READER = "card_refused_reader"  # the card does not believe the reader
    WRONG_CARD_TYPE = "wrong_card_type"  # some other contactless card
    INFO_ERROR = "info_error"  # the card's content fails its own verification
    UNKNOWN_LAYOUT = "unknown_layout"  # genuine, but a document this parser does not know


@dataclass(frozen=True, slots=True)
class CardTrouble:
    """A document was there and was not read. `sw` is the reader's status, empty if it sent none."""

    reason: TroubleReason
    sw: bytes = b""


ReaderEvent = CardRead | CodeRead | TagRead | CardTrouble


class CardReader(Protocol):
    """A reader on an open port.

    An implementation must: report one presentation of a document, code or tag once, in order;
    report a different one at once; turn line noise and damaged answers into retries and then a
    `CardTrouble`, never into an exception; keep what a document holds out of logs and exceptions.
    It may report a trouble more than once per presentation when a reading lies in between.
    """

    @property
    def identity(self) -> str | None:
        """The reader's own serial number, once known."""

    def events(self) -> AsyncIterator[ReaderEvent]:
        """Read documents until the port goes.

        Raises `PortGone` when it does, `DeviceSilent` when nothing that follows the protocol
        answers, `DeviceRefused` when the device reports a fault it did not recover from.
        """
