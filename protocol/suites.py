"""Named crypto suites. A suite number travels in every sealed or signed message.

    1  HPKE(X25519, HKDF-SHA256, AES-256-GCM) wraps keys, AES-256-GCM seals records, Ed25519 signs

No primitive here is ours: all of them come from `cryptography`.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.errors import BadSignature, CannotOpen, Unsupported
from protocol.limits import DIGEST_BYTES, KEY_ID_BYTES, RAW_KEY_BYTES

SUITE = 1
NONCE_BYTES = 12

SigningKey = Ed25519PrivateKey
VerifyKey = Ed25519PublicKey
OpeningKey = X25519PrivateKey
SealingKey = X25519PublicKey

_hpke = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def require_known(suite: int) -> None:
    """Raise `Unsupported` for a suite this program does not implement."""
    if suite != SUITE:
        raise Unsupported(f"crypto suite {suite} is not known here")


def key_id(public: VerifyKey | SealingKey) -> bytes:
    """Eight bytes that name a public key."""
    return hashlib.sha256(public.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def hpke_seal(public: SealingKey, plaintext: bytes, info: bytes) -> bytes:
    """Seal to a public key (RFC 9180 base mode); `info` is bound but not sent."""
    return _hpke.encrypt(plaintext, public, info=info)


def hpke_open(private: OpeningKey, sealed: bytes, info: bytes) -> bytes:
    """Undo `hpke_seal`; raises `CannotOpen`."""
    try:
        return _hpke.decrypt(sealed, private, info=info)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("sealed to another key, or altered") from error


def new_record_key() -> bytes:
    """A fresh key for record sealing; it must never touch a disk."""
    return AESGCM.generate_key(RAW_KEY_BYTES * 8)


def record_cipher(key: bytes) -> AESGCM:
    """The AEAD under a record key; `cryptography.exceptions.InvalidTag` on altered input.

    Raises `CannotOpen` for a key that is none: whoever wrapped it chose its length.
    """
    if len(key) != RAW_KEY_BYTES:
        raise CannotOpen("a record key of the wrong size")
    return AESGCM(key)


def sign(key: SigningKey, message: bytes) -> bytes:
    """Sign; 64 bytes."""
    return key.sign(message)


def verify(key: VerifyKey, signature: bytes, message: bytes) -> None:
    """Raise `BadSignature` unless `signature` is the key's over `message`."""
    try:
        key.verify(signature, message)
    except InvalidSignature as error:
        raise BadSignature("signature does not verify") from error


def keyed_digest(key: bytes, text: str) -> bytes:
    """128 bits of HMAC-SHA256: a plain hash of an ID number falls to guessing in minutes."""
    return hmac.digest(key, text.encode(), "sha256")[:DIGEST_BYTES]


def message_digest(message: bytes) -> bytes:
    """SHA-256 of a whole message: how a refusal names what it refuses."""
    return hashlib.sha256(message).digest()
