"""The terminal's end of a courier's way, beside a terminal that may be running."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from protocol.courier import CourierFile, CourierKind, pack_courier
from protocol.envelope import Origin
from protocol.errors import ProtocolError
from protocol.receipts import Receipt, unpack_receipt
from protocol.sequences import SeqSet
from runtime.config import load_config
from runtime.locks import holder_of
from runtime.spool import Spool
from terminal.carried import CarriedOutbox
from terminal.links.courier import INBOX
from terminal.outbox import OUTBOX
from terminal.settings import TerminalSettings, gateway_of, load_identity


@dataclass(frozen=True, slots=True)
class Promised:
    """What receipts say of this terminal's outbox."""

    stored: SeqSet
    """Numbers of the records that the county has."""
    receipts: int
    forged: int
    """Messages that are no receipt of the county's, though they should be."""


class TerminalEnd:
    """The terminal whose configuration this is.

    Raises `ConfigError`, `ProtocolError`.
    """

    def __init__(self, config: Path) -> None:
        settings = load_config(config, TerminalSettings)
        self._identity = load_identity(config, settings)
        self._gateway = gateway_of(self._identity)
        self.county, self.node = self._identity.county, self._identity.node
        self.data = config.parent / settings.data

    def outbox(self) -> CarriedOutbox:
        """Its outbox, to be closed. Raises `DatabaseError`."""
        return CarriedOutbox(self.data / OUTBOX, self._identity)

    @property
    def is_running(self) -> bool:
        """Whether a process has the outbox open, as far as this machine tells."""
        return holder_of(self.data / f"{OUTBOX}-shm") is not None

    def promised(self, files: Sequence[CourierFile]) -> Promised:
        """Read the receipts of files that are for this terminal. Raises `DatabaseError`."""
        with closing(self.outbox()) as outbox:
            origin = outbox.origin
        stored, receipts, forged = SeqSet(), 0, 0
        for each in (each for file in files for each in file.messages):
            if each.kind is not CourierKind.RECEIPT:
                continue
            try:
                receipt = unpack_receipt(each.message, self._gateway.verify_key)
            except ProtocolError:
                forged += 1
                continue
            if _origin(receipt) == origin:
                receipts += 1
                for first, last in receipt.stored():
                    stored.add(first, last)
        return Promised(stored, receipts, forged)

    def submit(self, file: CourierFile) -> Path:
        """Hand what is whole in a file to the terminal, which checks all of it. Raises `OSError`.

        The file is gone once it was taken; a terminal that is not running takes it at its start.
        """
        return Spool(self.data / INBOX).put(file.head.name, pack_courier(file.head, file.messages))


def _origin(receipt: Receipt) -> Origin:
    return Origin(receipt.county, receipt.node, receipt.epoch)
