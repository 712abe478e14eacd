"""What the courier command does on a terminal."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from courier.codes import show_codes
from courier.stick import Carried, carried_on, clear, is_stick, put
from courier.words import Teller
from protocol.courier import CourierHead, Direction, up_range
from protocol.fragments import MAX_TOTAL_BYTES, split
from runtime.database import DatabaseError
from terminal.carried import CarriedOutbox
from terminal.courier import TerminalEnd

TAKEN_LIMIT_S = 15.0  # a terminal looks every second; a roster of a whole county takes some more
ABSENT_LIMIT_S = 3.0  # the same, where no terminal seems to run: not every machine can tell
SETTLED_LIMIT_S = 10.0
LOOK_AGAIN_S = 0.1


def export_to_stick(end: TerminalEnd, stick: Path, teller: Teller) -> None:
    """Everything that waits, on a stick."""
    if not is_stick(stick, end.data, teller):
        return
    with closing(end.outbox()) as outbox:
        waiting = outbox.waiting
        if not waiting:
            teller.say("export.nothing")
            return
        written: list[CourierHead] = []
        for export in outbox.exports():
            if not put(stick, export.head, export.data, teller):
                teller.warn("export.partly", done=sum(map(_count, written)), waiting=waiting)
                return
            written.append(export.head)
            _note(outbox, export.head, teller)
            teller.say("export.written", name=export.head.name, **_range(export.head))
        origin = outbox.origin

    def is_superseded(name: str) -> bool:
        """Whether a file of an earlier export is within one of this."""
        held = up_range(name, origin.node, origin.epoch)
        return held is not None and any(
            (each.first_seq, each.last_seq) != held
            and each.first_seq <= held[0]
            and held[1] <= each.last_seq
            for each in written
        )

    clear(stick, Direction.UP, is_superseded)
    teller.say("export.done", done=sum(map(_count, written)))
    teller.say("export.pull")


def export_as_codes(end: TerminalEnd, page: Path | None, teller: Teller) -> None:
    """The first of what waits, as codes in the window or on a page to print."""
    with closing(end.outbox()) as outbox:
        waiting = outbox.waiting
        if not waiting:
            teller.say("export.nothing")
            return
        export = outbox.first_export(MAX_TOTAL_BYTES)
        if export is None:
            teller.warn("code.too_large")
            return
        head = export.head
        _note(outbox, head, teller)
    texts = split(export.data)
    sentences = [teller.words("code.shown", total=len(texts), **_range(head))]
    if waiting > _count(head):
        sentences.append(teller.words("code.rest", count=waiting - _count(head)))
    show_codes(texts, head, page, teller, sentences)


def import_from_stick(end: TerminalEnd, stick: Path, teller: Teller) -> None:
    """Whatever a stick has for this terminal."""
    if not is_stick(stick, end.data, teller):
        return
    found = [
        each
        for each in carried_on(stick, Direction.DOWN, end.county, teller)
        if each.file.head.node == end.node
    ]
    if not found:
        if teller.is_well:  # else it was said what is wrong with what is there
            teller.say("terminal.nothing", node=end.node)
        return
    take(end, found, teller)


def take(end: TerminalEnd, found: Sequence[Carried], teller: Teller) -> None:
    """Hand what came to the terminal and say what it did with it."""
    files = [each.file for each in found]
    promised = end.promised(files)
    if promised.forged:
        teller.warn("terminal.forged", count=promised.forged)
    is_running = end.is_running
    with closing(end.outbox()) as outbox:
        before_in = outbox.waiting_in(promised.stored)
        due = promised.stored.common(outbox.exported)
        handed = [end.submit(file) for file in files]
        teller.say("terminal.handed_over", receipts=promised.receipts)
        limit_s = TAKEN_LIMIT_S if is_running else ABSENT_LIMIT_S
        if not _until(lambda: not any(path.exists() for path in handed), limit_s):
            teller.warn("terminal.not_taken" if is_running else "terminal.not_running")
            return
        is_through = _until(lambda: not outbox.waiting_in(due), SETTLED_LIMIT_S)
        settled = before_in - outbox.waiting_in(promised.stored)
        teller.say("terminal.settled", settled=settled, waiting=outbox.waiting)
    if not is_through:
        teller.say("terminal.slow")


def _until(holds: Callable[[], bool], limit_s: float) -> bool:
    ends_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() >= ends_s:
            return False
        time.sleep(LOOK_AGAIN_S)
    return True


def _note(outbox: CarriedOutbox, head: CourierHead, teller: Teller) -> None:
    try:
        outbox.note(head)
    except DatabaseError as error:
        teller.warn("export.not_noted", reason=error)


def _count(head: CourierHead) -> int:
    return head.last_seq - head.first_seq + 1


def _range(head: CourierHead) -> dict[str, int]:
    return {"count": _count(head), "first": head.first_seq, "last": head.last_seq}
