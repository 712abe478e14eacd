"""Which records go next by radio, and again until a receipt covers them. Pure.

Exceptions first, then the oldest of those that can be packed, then what must go sealed: a sealed
record takes forty times the air of a packed one, so it waits for the few frames of the others. A
content is made once; it is sent again until the records in it are stored, or left the outbox by
another way. At most `WINDOW` are under way. Each time it goes under a counter of its own:
that is as safe as repeating the frame, and the receiver can count what it lost.
"""

import math
from collections import deque
from collections.abc import Sequence

from protocol.packed import MAX_RECORDS_PER_BATCH
from protocol.roster_order import NOBODY, RosterOrder
from protocol.sequences import SeqSet
from terminal.links.lora_loads import (
    Load,
    RecordStore,
    is_exception,
    key_loads,
    numbered,
    packed_loads,
    sealed_loads,
    urgent_loads,
)

WINDOW = 16  # contents under way: one more than a turn can grant
BYTES_PER_RECORD = 2.5  # packed, until this terminal has measured its own
BYTES_PER_SEALED_RECORD = 110
_SEALED_CLAIM = 8  # rows read at a time; no frame holds more
_SENT_IN_VAIN = 2  # a sealed content so often passed over by receipts wants its key again


class Supply:
    """The contents of one outbox on their way.

    `limit_bytes` is what a frame has room for. Contents in parts are numbered from `first_number`:
    any, so that after a restart they are not taken for parts of what was under way before.
    """

    def __init__(self, store: RecordStore, limit_bytes: int, first_number: int) -> None:
        self._store, self._limit_bytes = store, limit_bytes
        self._window: list[Load] = []
        self._due: deque[Load] = deque()
        self._roster = NOBODY
        self._useless_fingerprint: bytes | None = None
        """Of the roster the gateway said it has not."""
        self._keys: dict[bytes, list[Load]] = {}
        """What takes a record key to the gateway, by its id."""
        self._known_keys: set[bytes] = set()
        """Those of which the gateway has opened a record."""
        self._keys_of_round: set[bytes] = set()
        self._judged_upto = 0
        self._urgent: set[int] = set()
        self._unsendable = SeqSet()
        """Too long for any number of frames: they wait for another link."""
        self._parts_made = first_number
        self._records_per_frame = max(1.0, limit_bytes / BYTES_PER_RECORD)
        self._receipted = SeqSet()
        """The county has them, whether or not the outbox has let them go yet."""
        self.sent = SeqSet()
        """Every record that was ever sent by this object."""

    def use_limit(self, limit_bytes: int) -> None:
        """Frames have room for so much from now on; with less, everything is made anew."""
        if limit_bytes < self._limit_bytes:
            self._window.clear()
            self._keys.clear()
        self._limit_bytes = limit_bytes
        self.begin_round()

    def use_roster(self, order: RosterOrder) -> None:
        """Pack by this roster from now on."""
        if order.fingerprint != self._roster.fingerprint:
            self._roster = order
            self._pack_anew()

    def roster_is_useless(self) -> None:
        """The gateway cannot unpack: pack without a roster until there is another one here."""
        if self._roster.fingerprint != self._useless_fingerprint:
            self._useless_fingerprint = self._roster.fingerprint
            self._pack_anew()

    def take_receipt(self, stored: SeqSet) -> SeqSet:
        """A genuine receipt covers these; returns which of them wait and were sent."""
        for load in self._window:
            if load.key_id and load.numbers.common(stored):
                self._known_keys.add(load.key_id)
            elif load.times_sent >= _SENT_IN_VAIN:
                self._known_keys.discard(load.key_id)
        settled = stored.common(self._store.waiting()).common(self.sent)
        self._receipted = SeqSet([*self._receipted, *settled])
        self._keep_those_with(self._waiting())
        return settled

    def begin_round(self) -> None:
        """What is still under way goes again, what went least first; nothing new before that.

        So a key or a record in more parts than a turn grants frames gets through in several
        turns, and a key the gateway has lost goes again however long the queue is.
        """
        self._keep_those_with(self._waiting())
        self._due.clear()
        self._keys_of_round.clear()
        self._queue(self._window)
        self._due = deque(sorted(self._due, key=_times_sent))

    def next_load(self) -> Load | None:
        """The next content to send in this round; None: there is nothing, or no room for it."""
        if not self._due and len(self._window) < WINDOW:
            made = self._make()
            self._window += made
            self._queue(made)
        return self._due.popleft() if self._due else None

    def was_sent(self, load: Load) -> None:
        """It has left the antenna."""
        load.times_sent += 1
        for first, last in load.numbers:
            self.sent.add(first, last)

    def frames_left(self) -> int:
        """About how many frames are still to be sent in this round and later."""
        free = self._free()
        packable = free.without([(1, self._store.first_in_memory() - 1)])
        sealed = free.count - packable.count
        sealed_per_frame = max(1, self._limit_bytes // BYTES_PER_SEALED_RECORD)
        return (
            len(self._due)
            + math.ceil(packable.count / self._records_per_frame)
            + math.ceil(sealed / sealed_per_frame)
        )

    def is_under_way(self) -> bool:
        """Whether anything was sent that no receipt covers yet."""
        return any(load.times_sent for load in self._window)

    def has_more(self) -> bool:
        """Whether `next_load` would find something."""
        return bool(self._due) or (len(self._window) < WINDOW and bool(self._free()))

    def _pack_anew(self) -> None:
        self._window = [load for load in self._window if load.key_id]
        self.begin_round()

    def _waiting(self) -> SeqSet:
        return self._store.waiting().without(self._receipted)

    def _free(self) -> SeqSet:
        free = self._waiting().without(self._unsendable)
        for load in self._window:
            free = free.without(load.numbers)
        return free

    def _keep_those_with(self, waiting: SeqSet) -> None:
        """Whatever else was under way has arrived, or went by another link."""
        self._window = [load for load in self._window if load.numbers.common(waiting)]
        kept = {id(load) for load in self._window}
        self._due = deque(load for load in self._due if not load.numbers or id(load) in kept)
        self._urgent = {seq for seq in self._urgent if seq in waiting}

    def _queue(self, loads: Sequence[Load]) -> None:
        """Whose key the gateway may lack comes behind that key, once in a round."""
        for load in loads:
            needed = {load.key_id} - {b""} - self._known_keys - self._keys_of_round
            for key_id in needed:
                self._due += self._keys[key_id]
            self._keys_of_round |= needed
            self._due.append(load)

    def _make(self) -> list[Load]:
        while free := self._free():
            first_in_memory = self._store.first_in_memory()
            packable = free.without([(1, first_in_memory - 1)])
            made = self._pack(packable) if packable else self._seal(next(iter(free))[0], free)
            if made is not None:
                return made
        return []

    def _pack(self, free: SeqSet) -> list[Load] | None:
        """One frame's records; None: the first of them was given up."""
        self._judge(free)
        urgent_numbers = SeqSet((seq, seq) for seq in self._urgent if seq in free)
        urgent = list(numbered(self._store, urgent_numbers, MAX_RECORDS_PER_BATCH))
        others = list(numbered(self._store, free.without(urgent_numbers), MAX_RECORDS_PER_BATCH))
        if not urgent and not others:  # settled, or pushed out of memory, while we looked
            return []
        self._parts_made += 1
        how = (self._order(), self._limit_bytes, self._parts_made)
        made = urgent_loads(urgent, others, *how) if urgent else packed_loads(others, *how)
        if not made:  # the first is too long to be packed
            return self._seal((urgent or others)[0].seq, free)
        if made[0].numbers.count < len(urgent) + len(others):
            self._records_per_frame = made[0].numbers.count / len(made)
        return made

    def _seal(self, seq: int, free: SeqSet) -> list[Load] | None:
        """One frame's sealed records from `seq`; None: that one was given up."""
        batch = self._store.claim(seq - 1, _SEALED_CLAIM)
        if batch is None or batch.first_seq != seq:  # settled while we looked
            return []
        self._parts_made += 2
        wrapped = batch.keys[batch.rows[0][0]]
        keys = key_loads(wrapped, self._limit_bytes, self._parts_made - 1)
        made = sealed_loads(batch, free, self._limit_bytes, self._parts_made)
        if not (keys and made):
            self._unsendable.add(seq, seq)
            return None
        self._keys.setdefault(wrapped.key_id, keys)
        return made

    def _order(self) -> RosterOrder:
        is_useless = self._roster.fingerprint == self._useless_fingerprint
        return NOBODY if is_useless else self._roster

    def _judge(self, free: SeqSet) -> None:
        new = free.without([(1, self._judged_upto)])
        self._urgent.update(
            each.seq for each in numbered(self._store, new, new.count) if is_exception(each.record)
        )
        self._judged_upto = max(self._judged_upto, free.highest)


def _times_sent(load: Load) -> int:
    return load.times_sent
