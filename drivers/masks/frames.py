"""The frame by frame part of a mask: finds frames as the driver does, and blanks what is none."""

from collections.abc import Callable, Sequence
from typing import Protocol


class Framer(Protocol):
    """What the framers of asked devices have in common (`SdtFramer`, `Pn532Framer`)."""

    @property
    def is_inside_frame(self) -> bool:
        """Whether a frame has begun and its end is still awaited."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they come; return the payloads completed by them."""

    def give_up(self) -> list[bytes]:
        """The rest of the frame will not come."""

    def clear(self) -> None:
        """Forget everything not yet returned."""


class FrameMask:
    """A `Mask` of frames. `forms` are the ways in which a payload may lie on the line.

    `mask` makes the payload's specimen, as long as it; `blank` does so for bytes that are in no
    frame, whole ones of other devices included. Up to `held_bytes` are held back inside a frame,
    `head_bytes` outside.
    """

    def __init__(
        self,
        framer: Framer,
        *,
        forms: Sequence[Callable[[bytes], bytes]],
        mask: Callable[[bytes], bytes],
        blank: Callable[[bytes], bytes],
        head_bytes: int,
        held_bytes: int = 4096,
    ) -> None:
        self._framer, self._forms = framer, forms
        self._mask, self._blank = mask, blank
        self._head_bytes, self._held_bytes = head_bytes, held_bytes
        self._pending = bytearray()

    def feed(self, data: bytes) -> bytes:
        """See `Mask.feed`."""
        masked = bytearray()
        for value in data:
            self._pending.append(value)
            for payload in self._framer.feed(bytes([value])):
                masked += self._through_frame(payload)
        awaited = self._held_bytes if self._framer.is_inside_frame else self._head_bytes
        return bytes(masked + self._noise(len(self._pending) - awaited))

    def end(self) -> bytes:
        """See `Mask.end`."""
        masked = bytearray()
        while self._framer.is_inside_frame:
            for payload in self._framer.give_up():
                masked += self._through_frame(payload)
        self._framer.clear()
        return bytes(masked + self._noise(len(self._pending)))

    def _through_frame(self, payload: bytes) -> bytes:
        """Everything up to the end of the frame with this payload."""
        for form in self._forms:
            frame = form(payload)
            at = self._pending.find(frame)
            if at >= 0:
                masked = self._noise(at) + form(self._mask(payload))
                del self._pending[: len(frame)]
                return masked
        return self._noise(len(self._pending))  # a form nobody told of

    def _noise(self, size_bytes: int) -> bytes:
        noise = bytes(self._pending[: max(size_bytes, 0)])
        del self._pending[: len(noise)]
        return self._blank(noise)
