"""A stranger's RAK3172 on a serial line, written from the maker's manual: nothing of ours in it.

It blocks and keeps its times by the wall clock, as such scripts do.
"""

import serial

EVENT = "+EVT:"
RESTART_END = "Current Work Mode: LoRa P2P."


class Modem:
    """A module with RUI3; `line` has a timeout."""

    def __init__(self, line: serial.Serial) -> None:
        self._line = line
        self._events: list[str] = []

    def say(self, command: str) -> list[str]:
        """The lines of the answer, its status last; events are kept for `event`."""
        self._line.write(f"{command}\r\n".encode())
        answer: list[str] = []
        while not answer or not (answer[-1] == "OK" or answer[-1].startswith("AT_")):
            line = self._next()
            if line.startswith(EVENT):
                self._events.append(line)
            else:
                answer.append(line)
        return answer

    def event(self) -> str:
        """The next event."""
        return self._events.pop(0) if self._events else self._next()

    def work_as(self, p2p: str) -> None:
        """LoRa P2P with these parameters, whatever it was before."""
        self.say("AT+NWM=0")
        while self._next() != RESTART_END:
            pass
        self.say(f"AT+P2P={p2p}")

    def _next(self) -> str:
        while True:
            line = self._line.readline()
            if not line.endswith(b"\n"):
                raise TimeoutError(f"the module says nothing more than {line!r}")
            if text := line.decode().strip():
                return text
