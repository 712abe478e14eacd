"""A stranger's Meshtastic client on a serial line, from the published protobufs: nothing of ours.

It blocks, keeps its times by the wall clock and spells its messages in hex, as such scripts do.
"""

import serial

START = b"\x94\xc3"
COMPLETE_42 = bytes.fromhex("382a")  # FromRadio.config_complete_id = 42


class Node:
    """A node; `line` has a timeout."""

    def __init__(self, line: serial.Serial) -> None:
        self._line = line

    def say(self, message: str) -> None:
        """One `ToRadio`, in hex."""
        data = bytes.fromhex(message)
        self._line.write(START + len(data).to_bytes(2, "big") + data)

    def next(self) -> bytes:
        """The next `FromRadio`; text before it is skipped."""
        before = self._line.read_until(START)
        if not before.endswith(START):
            raise TimeoutError(f"the node says nothing more than {before!r}")
        return self._line.read(int.from_bytes(self._line.read(2), "big"))

    def connect(self) -> list[bytes]:
        """All of its configuration."""
        self._line.write(START[1:] * 32)
        self.say("182a")
        told = [self.next()]
        while told[-1] != COMPLETE_42:
            told.append(self.next())
        return told

    def send_text(self, text: bytes, packet_id: int) -> bytes:
        """To all, on the port of texts, one hop; the answer to it."""
        data = b"\x08\x01\x12" + bytes([len(text)]) + text
        packet = b"\x15\xff\xff\xff\xff\x22" + bytes([len(data)]) + data
        packet += b"\x35" + packet_id.to_bytes(4, "little")
        self.say((b"\x0a" + bytes([len(packet)]) + packet).hex())
        return self.next()
