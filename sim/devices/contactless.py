"""Simulated PC/SC reader for contactless tags: what it makes of a tag, APDU by APDU.

Written from hw/pcsc.md, never from drivers/. The reader answers the class FF itself - identifier,
and blocks of a memory tag - makes up an ATR, and passes everything else to a chip card. Not
modelled: keys and writing (FF 82, 86, D6), other tags than type A, several tags at once.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sim.devices.tag import Anticollision, Tag

DONE = bytes.fromhex("90 00")
NOT_THERE = bytes.fromhex("63 00")  # what a reader says when a tag gives no answer
WRONG_LENGTH = bytes.fromhex("67 00")
NOT_SUPPORTED = bytes.fromhex("6A 81")
NO_SUCH_CLASS = bytes.fromhex("6E 00")

_IS_CHIP_CARD = 0x20  # in SEL_RES: speaks ISO/IEC 14443-4
_CARD_NAMES: Mapping[int, bytes] = MappingProxyType(  # by SEL_RES
    {0x00: b"\x00\x03", 0x08: b"\x00\x01", 0x18: b"\x00\x02"}
)
_READ_BYTES = 16


class ContactlessSlot:
    """A reader with `tag` on it, powered up."""

    def __init__(self, tag: Tag) -> None:
        self._tag = tag
        self._woken = tag.wake()

    def reset(self) -> None:
        """Switch the field off and on."""
        self._woken = self._tag.wake()

    @property
    def atr(self) -> bytes:
        """What the reader makes up for want of a real one."""
        if self._woken.sel_res & _IS_CHIP_CARD:
            historical = _historical_bytes(self._woken)
        else:
            name = _CARD_NAMES.get(self._woken.sel_res, b"\x00\x00")
            historical = bytes.fromhex("80 4F 0C A0 00 00 03 06 03") + name + bytes(4)
        body = bytes([0x80 | len(historical), 0x80, 0x01]) + historical
        check = 0
        for value in body:
            check ^= value
        return b"\x3b" + body + bytes([check])

    def apdu(self, apdu: bytes) -> bytes:
        """Answer one APDU, status word included."""
        if apdu[:1] == b"\xff":
            return self._own(apdu)
        if not self._woken.sel_res & _IS_CHIP_CARD:
            return NO_SUCH_CLASS
        answer = self._tag.exchange(apdu)
        return NOT_THERE if answer is None else answer

    def _own(self, apdu: bytes) -> bytes:
        if len(apdu) != 5:
            return WRONG_LENGTH
        if apdu[1:4] == b"\xca\x00\x00":
            return self._woken.uid + DONE
        if apdu[1] == 0xB0 and not self._woken.sel_res & _IS_CHIP_CARD:
            return self._read(apdu[3], apdu[4])
        return NOT_SUPPORTED

    def _read(self, page: int, length: int) -> bytes:
        if not 0 < length <= _READ_BYTES:
            return WRONG_LENGTH
        answer = self._tag.exchange(bytes([0x30, page]))
        if answer is None or len(answer) != _READ_BYTES:
            self.reset()  # a tag that refused has gone to sleep
            return NOT_THERE
        return answer[:length] + DONE


def _historical_bytes(woken: Anticollision) -> bytes:
    """The end of the ATS, behind its interface bytes."""
    if len(woken.ats) < 2:
        return b""
    form = woken.ats[1]
    interface_bytes = sum(bool(form & bit) for bit in (0x10, 0x20, 0x40))
    return woken.ats[2 + interface_bytes :]
