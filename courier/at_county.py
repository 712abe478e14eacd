"""What the courier command does at the county."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from courier.codes import show_codes
from courier.stick import Carried, carried_on, clear, is_stick, put
from courier.words import Teller
from gateway.courier import Bundle, CountyEnd
from gateway.links.courier import Answer
from protocol.courier import Direction, down_made_ms
from protocol.fragments import MAX_TOTAL_BYTES, split

ANSWER_LIMIT_S = 20.0  # for the first file; a gateway looks twice a second
ABSENT_LIMIT_S = 3.0  # where no gateway seems to run: not every machine can tell
BYTES_PER_S = 256 * 1024  # what the slowest gateway admits: tenfold that was measured
LOOK_AGAIN_S = 0.1

Refusals = Mapping[str, Sequence[bytes]]
"""By node, signed."""


def export_to_stick(end: CountyEnd, stick: Path, node: str | None, teller: Teller) -> None:
    """Receipts, roster and activation for every terminal, or for one, on a stick."""
    if not is_stick(stick, end.data, teller):
        return
    nodes = _nodes(end, node, teller)
    if nodes:
        _put_answers(end, stick, nodes, {}, teller)


def export_as_codes(end: CountyEnd, node: str | None, page: Path | None, teller: Teller) -> None:
    """Receipts and activation of one terminal as codes. No roster fits."""
    if node is None:
        teller.warn("code.needs_node")
        return
    nodes = _nodes(end, node, teller)
    for bundle in end.bundles(nodes, {}, with_roster=False):
        if len(bundle.data) > MAX_TOTAL_BYTES:
            teller.warn("code.too_large")
            return
        texts = split(bundle.data)
        sentence = teller.words("code.answer", total=len(texts), node=node)
        show_codes(texts, bundle.head, page, teller, [sentence])


def import_from_stick(end: CountyEnd, stick: Path, teller: Teller) -> None:
    """Admit everything on a stick, then leave the answers there."""
    if not is_stick(stick, end.data, teller):
        return
    handed = [_hand(end, each) for each in carried_on(stick, Direction.UP, end.county, teller)]
    if not handed:
        if teller.is_well:  # else it was said what is wrong with what is there
            teller.say("county.nothing")
        return
    refusals: dict[str, list[bytes]] = defaultdict(list)
    done: set[str] = set()
    for each, answer in _answers(end, handed, teller):
        refusals[each.node] += answer.refusals
        if each.is_whole and not answer.refused:
            done.add(each.name)
    nodes = _nodes(end, None, teller)
    if nodes and _put_answers(end, stick, nodes, refusals, teller) and done:
        # Not before the answers are there: until then the stick is as it came.
        teller.say("county.removed", count=clear(stick, Direction.UP, done.__contains__))


def import_codes(end: CountyEnd, carried: Carried, teller: Teller) -> None:
    """Admit what was scanned."""
    for each, _ in _answers(end, [_hand(end, carried)], teller):
        teller.say("code.now_export", node=each.node)


@dataclass(frozen=True, slots=True)
class _Handed:
    """A file the gateway has; its content is not kept here, for a stick may hold many."""

    name: str
    node: str
    is_whole: bool
    size_bytes: int
    submitted: Path


def _hand(end: CountyEnd, carried: Carried) -> _Handed:
    file = carried.file
    size_bytes = sum(len(each.message) for each in file.messages)
    return _Handed(carried.name, file.head.node, file.is_whole, size_bytes, end.submit(file))


def _answers(
    end: CountyEnd, handed: Sequence[_Handed], teller: Teller
) -> Iterator[tuple[_Handed, Answer]]:
    """Each file with the gateway's answer; about one without an answer it was said."""
    is_running = end.is_running
    for each in handed:
        limit_s = ANSWER_LIMIT_S + each.size_bytes / BYTES_PER_S
        answer = _answer(end, each.submitted, limit_s if is_running else ABSENT_LIMIT_S)
        if answer is None:
            teller.warn("county.no_answer", name=each.name)
            is_running = False  # whoever is not there for one is not there for the next
            continue
        teller.say("county.taken", name=each.name, stored=answer.stored, known=answer.known)
        if answer.refused:
            teller.warn("county.refused", name=each.name, count=answer.refused)
        yield each, answer


def _answer(end: CountyEnd, submitted: Path, limit_s: float) -> Answer | None:
    ends_s = time.monotonic() + limit_s
    while (answer := end.answer(submitted)) is None:
        if time.monotonic() >= ends_s:
            return None
        time.sleep(LOOK_AGAIN_S)
    return answer


def _nodes(end: CountyEnd, node: str | None, teller: Teller) -> list[str]:
    nodes = end.nodes()
    if not nodes:
        teller.warn("county.no_terminals")
    if node is None:
        return nodes
    if node not in nodes:
        teller.warn("county.nobody")
        return []
    return [node]


def _put_answers(
    end: CountyEnd, stick: Path, nodes: Sequence[str], refusals: Refusals, teller: Teller
) -> bool:
    count = 0
    for bundle in end.bundles(nodes, refusals):
        if not put(stick, bundle.head, bundle.data, teller):
            teller.warn("county.answers_not")
            return False
        _clear_older(stick, bundle)
        _say_bundle(bundle, teller)
        count += 1
    teller.say("county.answers", count=count)
    return True


def _clear_older(stick: Path, bundle: Bundle) -> None:
    def is_older(name: str) -> bool:
        made_ms = down_made_ms(name, bundle.head.node)
        return made_ms is not None and made_ms < bundle.head.made_ms

    clear(stick, Direction.DOWN, is_older)


def _say_bundle(bundle: Bundle, teller: Teller) -> None:
    name, receipts = bundle.head.name, bundle.receipts
    if bundle.roster_version:
        teller.say("county.bundle", name=name, receipts=receipts, version=bundle.roster_version)
    else:
        teller.say("county.bundle_no_roster", name=name, receipts=receipts)
