"""What radio frames bring, opened: batches unpacked, sealed records unsealed, pieces put together.

Sealed records whose key has not come, and contents that lack a piece, wait here in memory: what is
lost with it was not receipted and comes again. Record keys are stored: a terminal sends one once
and then only the records under it, and nobody can ask it for a key by radio.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.radio import UpFrame
from gateway.store.base import KeyRow
from protocol.codec import encode_record
from protocol.envelope import Origin, RecordOpener, WrappedKey
from protocol.errors import OtherRoster, ProtocolError, Unsupported
from protocol.packed import Numbered, fingerprint_of, unpack_batch
from protocol.packing import decode_as
from protocol.radio_up import (
    Part,
    SealedRows,
    Status,
    UpKind,
    join_parts,
    split_progress,
    unpack_part,
    unpack_sealed,
    unpack_status,
)
from protocol.records import UnknownRecord
from protocol.roster_order import RosterOrder

MAX_WAITING_PER_KEY = 64  # sealed contents; a terminal has at most 16 under way
MAX_OPEN_CONTENTS = 16  # of one outbox, with pieces missing: as many

FindOrder = Callable[[bytes], RosterOrder | None]
"""The roster of a fingerprint, if this gateway has it."""

Outbox = tuple[str, int]
"""Node and epoch."""

Bodies = tuple[int, Sequence[bytes | None]]
"""First number, and records from it on; `None` for one that cannot be opened."""


@dataclass(slots=True)
class Brought:
    """What one frame came to, perhaps with others before it."""

    runs: list[Bodies] = field(default_factory=list, repr=False)
    key: KeyRow | None = None
    status: Status | None = None


class RadioContents:
    """Opens the contents of frames, in the order they came. One thread at a time."""

    def __init__(
        self, county: str, opener: RecordOpener, find_order: FindOrder, keys: Iterable[KeyRow]
    ) -> None:
        self._county, self._opener, self._find_order = county, opener, find_order
        self._keys = {(row.node, row.epoch, row.key.key_id): row.key for row in keys}
        self._waiting: dict[tuple[str, int, bytes], deque[SealedRows]] = {}
        self._pieces: dict[Outbox, dict[int, dict[int, Part]]] = {}
        self._done: list[Callable[[], object]] = []
        """What to forget once the store has it."""

    def open(self, frame: UpFrame) -> Brought:
        """What a frame brought; nothing while something that belongs to it is missing.

        Raises `OtherRoster`, `Malformed`, `Unsupported`. The same frames may be opened again until
        `settle` is called.
        """
        _, content = split_progress(frame.content)
        return self._open(frame, frame.kind, content)

    def settle(self) -> None:
        """All that was brought since the last call is stored."""
        for forget in self._done:
            forget()
        self._done.clear()

    def give_back(self) -> None:
        """It is not stored: the same frames will be opened again."""
        self._done.clear()

    def _open(self, frame: UpFrame, kind: int, content: bytes) -> Brought:
        if kind == UpKind.STATUS:
            return Brought(status=unpack_status(content))
        if kind == UpKind.PACKED:
            return Brought(list(self._unpacked(content)))
        if kind == UpKind.KEY:
            return self._take_key(frame, decode_as(content, WrappedKey))
        if kind == UpKind.SEALED:
            return self._unsealed(frame, unpack_sealed(content))
        if kind == UpKind.PART:
            return self._join(frame, unpack_part(content))
        raise Unsupported("a kind of frame of a later release")

    def _unpacked(self, content: bytes) -> Iterator[Bodies]:
        order = self._find_order(fingerprint_of(content))
        if order is None:
            raise OtherRoster("packed by a roster that is not here")
        return _runs(unpack_batch(content, order))

    def _take_key(self, frame: UpFrame, key: WrappedKey) -> Brought:
        name = (frame.node, frame.epoch, key.key_id)
        self._keys[name] = key
        waiting = self._waiting.get(name, ())
        self._done.append(lambda: self._waiting.pop(name, None))
        return Brought(
            [self._bodies(frame, key, rows) for rows in waiting],
            key=KeyRow(frame.node, frame.epoch, key),
        )

    def _unsealed(self, frame: UpFrame, rows: SealedRows) -> Brought:
        name = (frame.node, frame.epoch, rows.key_id)
        key = self._keys.get(name)
        if key is not None:
            return Brought([self._bodies(frame, key, rows)])
        waiting = self._waiting.setdefault(name, deque(maxlen=MAX_WAITING_PER_KEY))
        if rows not in waiting:
            waiting.append(rows)
        return Brought()

    def _bodies(self, frame: UpFrame, key: WrappedKey, rows: SealedRows) -> Bodies:
        origin = Origin(self._county, frame.node, frame.epoch)
        try:
            return rows.first_seq, self._opener.open_run(origin, key, rows.rows, rows.first_seq)
        except ProtocolError:
            return rows.first_seq, [None] * len(rows.rows)

    def _join(self, frame: UpFrame, part: Part) -> Brought:
        contents = self._pieces.setdefault((frame.node, frame.epoch), {})
        pieces = contents.pop(part.number, {})
        if any(piece.last != part.last for piece in pieces.values()):
            pieces = {}  # the numbers have come round: these are of another content
        pieces[part.place] = part
        contents[part.number] = pieces  # the latest at the end
        while len(contents) > MAX_OPEN_CONTENTS:
            del contents[next(iter(contents))]
        if len(pieces) <= part.last:
            return Brought()
        self._done.append(lambda: contents.pop(part.number, None))
        kind, content = join_parts(tuple(pieces.values()))
        return self._open(frame, kind, content)


def _runs(records: Iterable[Numbered]) -> Iterator[Bodies]:
    """Records with consecutive numbers together."""
    run: list[bytes] = []
    first_seq = 0
    for seq, record in records:
        body = record.body if isinstance(record, UnknownRecord) else encode_record(record)
        if run and seq == first_seq + len(run):
            run.append(body)
            continue
        if run:
            yield first_seq, run
        first_seq, run = seq, [body]
    if run:
        yield first_seq, run
