"""Frames off the air: whose they are, what they bring, and what is not believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.links.lora_nodes import TRIED_EPOCHS, RadioNodes
from gateway.radio import UpFrame
from gateway.store.base import Stream, WindowRow
from protocol.frames import FrameSealer
from protocol.radio_keys import Direction, link_key, node_radio_key
from protocol.radio_schedule import Flags
from protocol.radio_up import Progress, UpKind
from protocol.replay import ReplayWindow
from protocol.sequences import SeqSet
from tests.parties import COUNTY, RADIO_KEY

ADDRESS, EPOCH = 3, 1000
CONTENT = Progress(2, 8).pack() + b"batch"


class Hand:
    """Seals frames of one terminal."""

    def __init__(self, name: str = "t1", address: int = ADDRESS, epoch: int = EPOCH) -> None:
        key = node_radio_key(RADIO_KEY, COUNTY, name)
        self._sealer = FrameSealer(link_key(key, Direction.UP, address, epoch))

    def frame(self, counter: int, *, names_epoch: bool = True) -> bytes:
        return self._sealer.seal(UpKind.PACKED, counter, CONTENT, names_epoch=names_epoch)


def county(*windows: WindowRow) -> RadioNodes:
    nodes = RadioNodes(RADIO_KEY, COUNTY, windows)
    nodes.enrol("t1", ADDRESS)
    nodes.enrol("t1", ADDRESS)
    return nodes


def brought(nodes: RadioNodes, frame: bytes) -> UpFrame:
    _, up = nodes.open(frame)
    assert up is not None
    return up


def test_a_frame_says_who_sent_it_and_how_many_were_lost_before() -> None:
    nodes, hand = county(), Hand()
    assert brought(nodes, hand.frame(2)).skipped == 0
    up = brought(nodes, hand.frame(5, names_epoch=False))
    assert (up.node, up.epoch, up.kind, up.content) == ("t1", EPOCH, UpKind.PACKED, CONTENT)
    assert up.skipped == 2
    assert up.window.highest == 5
    assert up.progress == Progress(2, 8)
    assert nodes.counts.opened == 2


def test_a_terminal_that_starts_again_has_lost_nothing() -> None:
    """It begins with another block of counters; the desk once showed 95 % lost."""
    nodes, hand = county(), Hand()
    for counter in (0, 256):
        assert brought(nodes, hand.frame(counter)).skipped == 0
    assert brought(nodes, hand.frame(258, names_epoch=False)).skipped == 1


def test_a_frame_without_progress_is_a_lone_one() -> None:
    up = UpFrame("t1", EPOCH, ReplayWindow(), 0, UpKind.STATUS, b"")
    assert up.progress == Progress(0, 0)


def test_what_was_taken_brings_nothing_but_is_somebodys() -> None:
    nodes = county()
    frame = Hand().frame(0)
    node, first = nodes.open(frame)
    again = nodes.open(frame)
    assert first is not None
    assert again == (node, None)
    assert node is not None
    assert (nodes.counts.replayed, node.replayed) == (1, 1)


def test_a_window_of_before_the_restart_holds() -> None:
    nodes, hand = county(), Hand()
    old, new = hand.frame(0), hand.frame(1)
    window = brought(nodes, old).window
    restarted = county(
        WindowRow("t1", EPOCH, Direction.UP, window),
        WindowRow("t1", EPOCH, Direction.PEER, ReplayWindow(9, 1)),
    )
    assert restarted.open(old) == (restarted.named("t1"), None)
    assert brought(restarted, new).skipped == 0
    assert Flags.EPOCH_KNOWN in restarted.at(ADDRESS).flags


def test_an_epoch_that_is_known_need_not_be_named() -> None:
    nodes = county()
    assert nodes.open(Hand().frame(0, names_epoch=False)) == (None, None)
    epochs = range(EPOCH, EPOCH + TRIED_EPOCHS + 1)
    hands = [Hand(epoch=epoch) for epoch in epochs]
    for hand in hands:
        brought(nodes, hand.frame(0))
    for epoch, hand in list(zip(epochs, hands, strict=True))[1:]:
        assert brought(nodes, hand.frame(1, names_epoch=False)).epoch == epoch
        assert nodes.at(ADDRESS).epoch == epoch
    assert nodes.open(hands[0].frame(1, names_epoch=False)) == (None, None), "too long ago"
    assert brought(nodes, hands[0].frame(2)).epoch == EPOCH, "but it may name itself"


def test_others_are_counted_and_nobody() -> None:
    nodes = county()
    group = link_key(bytes(32), Direction.PEER, ADDRESS, 1)
    strangers = [
        b"short",
        Hand("t9", address=9).frame(0),
        Hand("t9").frame(0),
        FrameSealer(group).seal(0, 0, b"to neighbours"),
    ]
    assert [nodes.open(frame) for frame in strangers] == [(None, None)] * 4
    counts = nodes.counts
    assert (counts.malformed, counts.cannot_open, counts.others) == (1, 2, 1)


@given(st.binary(max_size=300))
def test_nothing_off_the_air_raises(frame: bytes) -> None:
    assert county().open(frame) == (None, None)


@given(st.data())
def test_nothing_altered_is_believed(data: st.DataObject) -> None:
    frame = bytearray(Hand().frame(0))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    assert county().open(bytes(frame)) == (None, None)


def test_what_came_by_another_link_is_held_too() -> None:
    nodes = county()
    held = SeqSet([(1, 5)])
    nodes.stored(Stream(1, "t1", EPOCH, held))
    nodes.stored(Stream(2, "t9", EPOCH, held))
    node = nodes.at(ADDRESS)
    assert node.epoch == EPOCH
    assert node.current.stored is held
    assert nodes.named("t9") is None


@pytest.mark.parametrize("other", [EPOCH - 1, EPOCH + 1])
def test_by_radio_a_terminal_says_itself_which_outbox_it_has(other: int) -> None:
    nodes = county()
    node, _ = nodes.open(Hand().frame(0))
    assert node is not None
    node.last_heard_s = 1.0
    nodes.stored(Stream(1, "t1", other, SeqSet([(1, 5)])))
    assert node.epoch == EPOCH
    assert not node.current.stored
