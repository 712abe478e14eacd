"""Who was seen here, kept across restarts: sealed with the terminal's own key.

The outbox is closed even to its terminal, so this is a second, small note per person. It is
written in the transaction of the record it belongs to.
"""

import secrets
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.keys import Identity
from protocol.limits import RAW_KEY_BYTES
from protocol.suites import NONCE_BYTES, keyed_digest
from terminal.outbox_file import Erasure, Mark
from terminal.station import Seen

_INFO = b"muster/1 seen\0"


class SeenBook:
    """Turns `Seen` into marks for the outbox file and back."""

    def __init__(self, identity: Identity) -> None:
        secret = identity.opening_key.private_bytes_raw()
        self._key = HKDF(SHA256(), RAW_KEY_BYTES, salt=None, info=_INFO).derive(secret)
        self._cipher = AESGCM(self._key)

    def mark(self, seen: Seen) -> Mark:
        """Seal one note."""
        tag = self._tag(seen)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return Mark(tag, nonce + self._cipher.encrypt(nonce, msgspec.msgpack.encode(seen), tag))

    def erasure(self, seen: Seen) -> Erasure:
        """What takes one note away again."""
        return Erasure(self._tag(seen))

    def read(self, marks: Iterable[Mark]) -> list[Seen]:
        """Open notes; one that does not open is left out: it only costs an *already here*."""
        notes = []
        for mark in marks:
            nonce, sealed = mark.sealed[:NONCE_BYTES], mark.sealed[NONCE_BYTES:]
            try:
                plain = self._cipher.decrypt(nonce, sealed, mark.tag)
            except (InvalidTag, ValueError):  # ValueError: cut off within its nonce
                continue
            notes.append(msgspec.msgpack.decode(plain, type=Seen))
        return notes

    def _tag(self, seen: Seen) -> bytes:
        return keyed_digest(self._key, f"{seen.activation}/{seen.person}")
