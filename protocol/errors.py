"""What can be wrong with bytes from the other end, and what the receiver does about it.

ProtocolError (also a ValueError)
├── Malformed              the bytes do not follow docs/wire-format.md; quarantine them
├── Unsupported            a version or suite this program does not know; quarantine, update
├── BadSignature           not from the node it claims; quarantine, tell the operator
├── CannotOpen             sealed to another key, or altered; quarantine, tell the operator
├── Replayed               a radio frame taken before; say the receipt again, do nothing else
└── OtherRoster            packed by another roster than this one; try another, ask for bodies
"""


class ProtocolError(ValueError):
    """Base of everything that decoding, verifying and opening raise."""


class Malformed(ProtocolError):
    """The bytes do not follow the wire format."""


class Unsupported(ProtocolError):
    """A version or crypto suite this program does not know."""


class BadSignature(ProtocolError):
    """The signature is not the claimed node's."""


class CannotOpen(ProtocolError):
    """Sealed to a key we do not hold, or altered on the way."""


class Replayed(ProtocolError):
    """An authentic radio frame whose counter was taken before, or is too old to tell."""


class OtherRoster(ProtocolError):
    """A packed batch counts people by a roster that is not the one at hand."""
