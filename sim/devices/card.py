"""Simulated identity cards: four documents, their 256-byte text block, decks of them in CSV.

Written from hw/sdt-reader.md 6 and 7, never from drivers/, so that the two can disagree.
Not modelled: photo and fingerprint content, appended addresses, the chip's own cryptography.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from sim.devices.deck import DeckError, read_rows

TEXT_BLOCK_BYTES = 256
FINGERPRINT_BYTES = 512
FINGERPRINTS_MAX = 2


class CardKind(Enum):
    """Which document; the value is what a deck's `kind` column says."""

    RESIDENT = "resident"
    HMT_PERMIT = "hmt"
    FOREIGN_2017 = "foreign2017"
    FOREIGN_2023 = "foreign2023"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card as it is printed. Dates are YYYYMMDD, `valid_until` may be 长期.

    The fields a document does not have are ignored; `latin_name` and `nationality` are for the
    two foreigners' documents. A number that lacks only its check digit gets it.
    """

    number: str = field(repr=False)
    name: str = field(repr=False)
    kind: CardKind = CardKind.RESIDENT
    sex: str = field(default="1", repr=False)
    ethnicity: str = field(default="01", repr=False)
    born: str = field(default="19900101", repr=False)
    address: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    valid_from: str = "20200101"
    valid_until: str = "20400101"
    latin_name: str = field(default="", repr=False)
    nationality: str = field(default="", repr=False)
    fingerprints: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        if len(self.number) == 17 and self.number.isdigit():
            object.__setattr__(self, "number", self.number + check_digit(self.number))
        if not 0 <= self.fingerprints <= FINGERPRINTS_MAX:
            raise ValueError(f"a card holds up to {FINGERPRINTS_MAX} fingerprints")
        encode_text_block(self)  # a card that cannot be encoded cannot exist


def check_digit(first_17: str) -> str:
    """The last character of an 18-character number: ISO 7064 MOD 11-2."""
    total = 0
    for digit in first_17:
        total = (total + int(digit)) * 2 % 11
    return "0123456789X"[(12 - total) % 11]


# Where a field lies: offset and size in bytes, two bytes a character. What no field covers, and
# what a field does not fill, is spaces.
_RESIDENT: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "name": (0, 30),
        "sex": (30, 2),
        "ethnicity": (32, 4),
        "born": (36, 16),
        "address": (52, 70),
        "number": (122, 36),
        "issuer": (158, 30),
        "valid_from": (188, 16),
        "valid_until": (204, 16),
    }
)
_FOREIGN_2017: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "latin_name": (0, 120),
        "sex": (120, 2),
        "number": (122, 30),
        "nationality": (152, 6),
        "name": (158, 30),
        "valid_from": (188, 16),
        "valid_until": (204, 16),
        "born": (220, 16),
        "version": (236, 4),
        "authority": (240, 8),
    }
)
_FOREIGN_2023: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "name": (0, 30),
        "sex": (30, 2),
        "renewals": (32, 4),
        "born": (36, 16),
        "latin_name": (52, 70),
        "number": (122, 36),
        "valid_from": (188, 16),
        "valid_until": (204, 16),
        "latin_name_rest": (220, 22),
        "nationality": (242, 6),
    }
)
_HMT_PERMIT: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        **{name: at for name, at in _RESIDENT.items() if name != "ethnicity"},
        "pass_number": (220, 18),
        "issue_count": (238, 4),
    }
)
_LAYOUTS: Mapping[CardKind, tuple[str, Mapping[str, tuple[int, int]]]] = MappingProxyType(
    {
        CardKind.RESIDENT: (" ", _RESIDENT),
        CardKind.HMT_PERMIT: ("J", _HMT_PERMIT),
        CardKind.FOREIGN_2017: ("I", _FOREIGN_2017),
        CardKind.FOREIGN_2023: ("Y", _FOREIGN_2023),
    }
)
_TYPE_AT = 248
_LATIN_NAME_SPLIT = 35  # characters of a 2023 Latin name in its first field
# Every simulated document of a kind has the same incidental fields: nobody looks at them.
_INCIDENTAL: Mapping[str, str] = MappingProxyType(
    {
        "version": "01",
        "authority": "1500",
        "renewals": "00",
        "pass_number": "H00000000",
        "issue_count": "01",
    }
)


def encode_text_block(card: Card) -> bytes:
    """The 256 bytes the card's chip holds. Raises `ValueError` naming a field that is too long."""
    letter, layout = _LAYOUTS[card.kind]
    values = {item.name: str(getattr(card, item.name)) for item in fields(card)}
    values.update(_INCIDENTAL)
    if card.kind is CardKind.FOREIGN_2023:
        values["latin_name_rest"] = card.latin_name[_LATIN_NAME_SPLIT:]
        values["latin_name"] = card.latin_name[:_LATIN_NAME_SPLIT]
    block = bytearray(" ".encode("utf-16-le") * (TEXT_BLOCK_BYTES // 2))
    for name, (offset, size_bytes) in layout.items():
        data = values[name].encode("utf-16-le", errors="surrogatepass")
        if len(data) > size_bytes:
            raise ValueError(f"{name} is longer than the {size_bytes // 2} characters it has")
        block[offset : offset + len(data)] = data
    block[_TYPE_AT : _TYPE_AT + 2] = letter.encode("utf-16-le")
    return bytes(block)


def read_deck(path: Path) -> list[Card]:
    """Read cards from a CSV file with a header line; the columns are the fields of `Card`.

    `number` and `name` are required, an empty cell means the field's default. UTF-8, with or
    without a byte order mark. Raises `DeckError`, and `OSError` if there is no such file.
    """
    known = {item.name for item in fields(Card)}
    rows = read_rows(path, known=known, required=("number", "name"))
    return [_card(dict(cells), where) for where, cells in rows]


def _card(cells: dict[str, str], where: str) -> Card:
    kind, fingerprints = cells.pop("kind", "resident"), cells.pop("fingerprints", "0")
    if kind not in {known.value for known in CardKind}:
        raise DeckError(f"{where}: kind must be one of {', '.join(k.value for k in CardKind)}")
    if fingerprints not in {"0", "1", "2"}:
        raise DeckError(f"{where}: fingerprints must be 0, 1 or 2")
    try:
        return Card(kind=CardKind(kind), fingerprints=int(fingerprints), **cells)
    except ValueError as error:
        raise DeckError(f"{where}: {error}") from error
