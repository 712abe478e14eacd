"""Field types of everything that is decoded: a number or a text out of bounds is malformed.

The bounds keep what arrives inside what databases, calendars and screens can hold. Only decoding
checks them; whoever builds a structure keeps to them.
"""

from typing import Annotated

from msgspec import Meta

from protocol.ids import MAX_EPOCH, MAX_SEQ, NAME_PATTERN
from protocol.limits import (
    BADGE_ID_BYTES,
    DIGEST_BYTES,
    KEY_ID_BYTES,
    MAX_COUNT,
    MAX_MS,
    MAX_NAME_CHARS,
    MAX_RANGES,
    MAX_TEXT_CHARS,
    MESSAGE_DIGEST_BYTES,
    RAW_KEY_BYTES,
)

Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Milliseconds = Annotated[int, Meta(ge=0, le=MAX_MS)]
Word = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Octet = Annotated[int, Meta(ge=0, le=255)]
Epoch = Annotated[int, Meta(ge=0, le=MAX_EPOCH)]
Seq = Annotated[int, Meta(ge=1, le=MAX_SEQ)]
SeqOrNone = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
"""A sequence number, or 0 for none yet."""
SeqRanges = Annotated[tuple[tuple[Seq, Seq], ...], Meta(max_length=MAX_RANGES)]

NameText = Annotated[str, Meta(max_length=MAX_NAME_CHARS, pattern=rf"\A{NAME_PATTERN}\Z")]
OptionalName = Annotated[str, Meta(max_length=MAX_NAME_CHARS, pattern=rf"\A(?:{NAME_PATTERN})?\Z")]
ShortText = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]
"""A name whose spelling is not checked: records are decoded by the thousand."""
Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]

Digest = Annotated[bytes, Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
OptionalDigest = Annotated[bytes, Meta(max_length=DIGEST_BYTES)]
MessageDigest = Annotated[
    bytes, Meta(min_length=MESSAGE_DIGEST_BYTES, max_length=MESSAGE_DIGEST_BYTES)
]
KeyId = Annotated[bytes, Meta(min_length=KEY_ID_BYTES, max_length=KEY_ID_BYTES)]
RawKey = Annotated[bytes, Meta(min_length=RAW_KEY_BYTES, max_length=RAW_KEY_BYTES)]
BadgeId = Annotated[bytes, Meta(min_length=BADGE_ID_BYTES, max_length=BADGE_ID_BYTES)]
