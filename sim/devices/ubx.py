"""The two packets in which a simulated u-blox tells of jamming and spoofing (hw/gnss-nmea.md, 6).

Written from the digest, never from drivers/.
"""

from typing import Literal

_NO, _YES = 1, 2  # states: 0 would be "not watching"
_JAMMED_WITHOUT_FIX = 3
_ENABLED = 1
_QUIET_INDICATOR, _JAMMED_INDICATOR = 20, 180
_ANTENNA = {None: 1, "ok": 2, "short": 3, "open": 4}  # 1: does not know


def sec_sig(*, jammed: bool, spoofed: bool) -> bytes:
    """UBX-SEC-SIG, version 1."""
    payload = bytearray(12)
    payload[0] = 1
    payload[4] = _ENABLED | (_YES if jammed else _NO) << 1
    payload[8] = _ENABLED | (_YES if spoofed else _NO) << 1
    return _packet(0x27, 0x09, payload)


def mon_hw(*, jammed: bool, has_fix: bool, antenna: Literal["ok", "open", "short"] | None) -> bytes:
    """UBX-MON-HW."""
    payload = bytearray(60)
    state = _NO if not jammed else _YES if has_fix else _JAMMED_WITHOUT_FIX
    payload[20] = _ANTENNA[antenna]
    payload[22] = state << 2
    payload[45] = _JAMMED_INDICATOR if jammed else _QUIET_INDICATOR
    return _packet(0x0A, 0x09, payload)


def _packet(kind: int, number: int, payload: bytearray) -> bytes:
    covered = bytes((kind, number)) + len(payload).to_bytes(2, "little") + payload
    first = second = 0
    for byte in covered:
        first = (first + byte) & 0xFF
        second = (second + first) & 0xFF
    return b"\xb5\x62" + covered + bytes((first, second))
