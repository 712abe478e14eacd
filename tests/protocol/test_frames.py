"""Radio frames: what is sealed opens once, and nothing else opens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import CannotOpen, Malformed, ProtocolError, Replayed
from protocol.frames import (
    HEADER_BYTES,
    MAX_FRAME_BYTES,
    OVERHEAD_BYTES,
    FrameHeader,
    FrameSealer,
    open_frame,
    overhead_bytes,
    parse_header,
)
from protocol.radio_keys import Direction, LinkKey, group_radio_key, link_key, node_radio_key
from protocol.replay import ReplayWindow

COUNTY_RADIO_KEY = bytes(range(32))
NODE_KEY = node_radio_key(COUNTY_RADIO_KEY, "qinghe", "qingshui-1")
UP = link_key(NODE_KEY, Direction.UP, 3, 1)
NOTHING = ReplayWindow()

contents = st.binary(max_size=MAX_FRAME_BYTES - OVERHEAD_BYTES)
kinds = st.integers(0, 7)


def sealed(
    counter: int = 7, content: bytes = b"content", key: LinkKey = UP, kind: int = 0
) -> bytes:
    return FrameSealer(key).seal(kind, counter, content)


@given(st.sampled_from(Direction), st.integers(0, 2**16 - 1), kinds, st.integers(0, 2**48 - 1),
       contents)  # fmt: skip
def test_a_frame_opens_to_what_was_sealed(
    direction: Direction, address: int, kind: int, counter: int, content: bytes
) -> None:
    key = link_key(NODE_KEY, direction, address, 1)
    frame = sealed(counter, content, key, kind)
    assert len(frame) == len(content) + OVERHEAD_BYTES
    assert parse_header(frame) == FrameHeader(direction, kind, address, counter % 2**24)
    opened = open_frame(key, frame, ReplayWindow(max(0, counter - 1000)))
    assert (opened.kind, opened.counter, opened.content) == (kind, counter, content)
    assert not opened.window.is_fresh(counter)


@given(st.binary(max_size=MAX_FRAME_BYTES + 2))
def test_other_bytes_never_open(data: bytes) -> None:
    with pytest.raises((Malformed, CannotOpen)):
        open_frame(UP, data, NOTHING)


@given(contents, st.data())
def test_one_bit_wrong_or_a_cut_and_it_does_not_open(content: bytes, data: st.DataObject) -> None:
    frame = sealed(content=content)
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    flipped = bytearray(frame)
    flipped[bit // 8] ^= 1 << bit % 8
    for altered in (bytes(flipped), frame[: data.draw(st.integers(0, len(frame) - 1))]):
        with pytest.raises(ProtocolError):
            open_frame(UP, altered, NOTHING)


@pytest.mark.parametrize(
    "other",
    [
        link_key(NODE_KEY, Direction.PEER, 3, 1),
        link_key(NODE_KEY, Direction.UP, 4, 1),
        link_key(NODE_KEY, Direction.UP, 3, 2),
        link_key(node_radio_key(COUNTY_RADIO_KEY, "qinghe", "qingshui-2"), Direction.UP, 3, 1),
        link_key(node_radio_key(COUNTY_RADIO_KEY, "baihe", "qingshui-1"), Direction.UP, 3, 1),
        link_key(group_radio_key(COUNTY_RADIO_KEY, "qinghe"), Direction.UP, 3, 1),
    ],
    ids=["direction", "address", "epoch", "node", "county", "group"],
)
def test_a_frame_opens_under_its_own_key_only(other: LinkKey) -> None:
    with pytest.raises(CannotOpen):
        open_frame(other, sealed(), NOTHING)


def test_a_county_and_a_node_are_not_run_together() -> None:
    assert node_radio_key(COUNTY_RADIO_KEY, "a", "bc") != node_radio_key(
        COUNTY_RADIO_KEY, "ab", "c"
    )


def test_a_frame_that_comes_twice_is_told_from_one_that_is_forged() -> None:
    window = open_frame(UP, sealed(), NOTHING).window
    with pytest.raises(Replayed):
        open_frame(UP, sealed(), window)
    assert open_frame(UP, sealed(8), window).counter == 8


def test_a_frame_from_below_the_window_is_refused() -> None:
    with pytest.raises(Replayed):
        open_frame(UP, sealed(100 - 64), ReplayWindow(100, 1))
    assert open_frame(UP, sealed(100 - 63), ReplayWindow(100, 1)).counter == 37


def test_the_receiver_knows_the_upper_part_of_the_counter() -> None:
    beyond = 5 * 2**24 + 2
    window = ReplayWindow(beyond - 4, 1)
    assert open_frame(UP, sealed(beyond), window).counter == beyond
    with pytest.raises(CannotOpen):
        open_frame(UP, sealed(beyond), NOTHING)


@pytest.mark.parametrize("counter", [7, 6, 0, -1, 2**48])
def test_no_counter_seals_twice(counter: int) -> None:
    sealer = FrameSealer(UP)
    sealer.seal(0, 7, b"")
    with pytest.raises(ValueError, match="higher"):
        sealer.seal(0, counter, b"other content")


@pytest.mark.parametrize(
    ("kind", "size"), [(8, 0), (-1, 0), (0, MAX_FRAME_BYTES - OVERHEAD_BYTES + 1)]
)
def test_what_no_frame_can_carry_uses_up_no_counter(kind: int, size: int) -> None:
    sealer = FrameSealer(UP)
    with pytest.raises(ValueError, match=r"kind|long"):
        sealer.seal(kind, 1, bytes(size))
    assert sealer.seal(0, 1, b"")[HEADER_BYTES - 1] == 1


@pytest.mark.parametrize(("address", "epoch"), [(-1, 0), (2**16, 0), (0, -1), (0, 2**32)])
def test_addresses_have_16_bits_and_epochs_32(address: int, epoch: int) -> None:
    with pytest.raises(ValueError, match="16 bits"):
        link_key(NODE_KEY, Direction.UP, address, epoch)


@given(kinds, st.sampled_from(Direction))
def test_the_first_byte_is_no_command_of_a_modem(kind: int, direction: Direction) -> None:
    first = sealed(key=link_key(NODE_KEY, direction, 0, 0), kind=kind)[0]
    assert 0x10 <= first <= 0x7F  # E22: C0, CF; Meshtastic's stream: 94


def test_no_key_is_in_a_repr() -> None:
    assert UP.key.hex() not in repr(UP)
    assert repr(UP.key) not in repr(UP)


def test_a_frame_may_name_its_epoch() -> None:
    key = link_key(NODE_KEY, Direction.UP, 3, 0xDEADBEEF)
    frame = FrameSealer(key).seal(1, 7, b"content", names_epoch=True)
    assert len(frame) == len(b"content") + overhead_bytes(names_epoch=True)
    assert parse_header(frame).epoch == key.epoch
    assert open_frame(key, frame, NOTHING).content == b"content"
    for cut in range(len(frame)):
        with pytest.raises((Malformed, CannotOpen)):
            open_frame(key, frame[:cut], NOTHING)


def test_a_frame_that_names_another_epoch_does_not_open() -> None:
    frame = FrameSealer(UP).seal(1, 7, b"content", names_epoch=True)
    other = link_key(NODE_KEY, Direction.UP, 3, 2)
    with pytest.raises(CannotOpen):
        open_frame(other, frame, NOTHING)
