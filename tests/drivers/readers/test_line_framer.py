import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.framer import Damage
from drivers.readers.line_framer import GAP_S, LINE_MAX_BYTES, LineFramer

LATER_S = 10.0  # some time after everything before
TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20
)  # neither control characters nor halves of one


def burst(frames: LineFramer, data: bytes, at_s: float) -> list[str | Damage]:
    """What comes of `data` and the pause after it."""
    return frames.feed(data, at_s) + frames.give_up(at_s + GAP_S)


@pytest.mark.parametrize(
    "data",
    [b"A1\r", b"A1\n", b"A1\r\n", b"A1\t", b"A1", b"\rA1", b"\r\nA1", b"\x02A1\x03", b"A1\r\r\n\n"],
)
def test_however_a_scanner_ends_its_codes(data: bytes) -> None:
    frames = LineFramer()
    assert [burst(frames, data, at_s) for at_s in (1.0, 2.0, 3.0)] == [["A1"]] * 3


@pytest.mark.parametrize("data", [b"\rA\rB\rC", b"A\rB\rC\r", b"A\nB\tC"])
def test_codes_in_one_piece(data: bytes) -> None:
    assert burst(LineFramer(), data, 0.0) == ["A", "B", "C"]


def test_a_separator_ends_a_code_at_once_and_a_pause_later() -> None:
    frames = LineFramer()
    assert frames.feed(b"A\rB", 1.0) == ["A"]
    assert frames.ends_at_s == 1.0 + GAP_S
    assert frames.give_up(1.0 + GAP_S / 2) == []
    assert frames.give_up(1.0 + GAP_S) == ["B"]
    assert frames.ends_at_s is None


def test_bytes_after_a_pause_nobody_noticed_are_another_code() -> None:
    frames = LineFramer()
    assert frames.feed(b"A", 1.0) == []
    assert frames.feed(b"B\r", 2.0) == ["A", "B"]


def test_a_scanner_that_ends_its_codes_must_end_them_all() -> None:
    frames = LineFramer()
    assert burst(frames, b"6901234567892\r", 1.0) == ["6901234567892"]
    assert burst(frames, b"69012345", 2.0) == [Damage.TORN]


def test_a_scanner_set_up_anew_is_refused_once() -> None:
    frames = LineFramer()
    burst(frames, b"A\r", 1.0)
    assert [burst(frames, b"B", at_s) for at_s in (2.0, 3.0)] == [[Damage.TORN], ["B"]]


@pytest.mark.parametrize(
    "data",
    [
        "张三".encode("gb18030"),
        b"\xff\xfe",
        b"A\x00B",
        b"A\x1bB",
        b"A\x7f",
        "A\x85".encode(),
        bytes.fromhex("AA AA AA 96 69 00 04 00 00 80 84"),
    ],
)
def test_what_is_no_text(data: bytes) -> None:
    assert burst(LineFramer(), data, 0.0) == [Damage.NOT_TEXT]


@pytest.mark.parametrize("text", ["张三 unit=3", "(01)069\x1d10", "🂡", "A" * LINE_MAX_BYTES])
def test_what_is_text(text: str) -> None:
    assert burst(LineFramer(), text.encode() + b"\r", 0.0) == [text]


@pytest.mark.parametrize("end", [b"\r", b""])
def test_a_code_that_is_too_long_is_one_damage_and_takes_no_room(end: bytes) -> None:
    frames = LineFramer()
    for _ in range(1000):
        assert frames.feed(b"A" * 100, 0.0) == []
    assert burst(frames, end, 0.0) == [Damage.TOO_LONG]
    assert burst(frames, b"A\r", LATER_S) == ["A"]


@given(st.lists(TEXT, max_size=5), st.sampled_from([b"\r", b"\n", b"\r\n", b"\t"]), st.data())
def test_codes_come_whole_in_any_pieces(texts: list[str], end: bytes, data: st.DataObject) -> None:
    stream = b"".join(text.encode() + end for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    frames = LineFramer()
    found: list[str | Damage] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += frames.feed(stream[start:stop], 0.0)
    assert found == texts


@given(st.lists(st.tuples(st.binary(max_size=50), st.floats(0, 1)), max_size=20))
def test_any_bytes_give_texts_and_damages(pieces: list[tuple[bytes, float]]) -> None:
    frames = LineFramer()
    now_s = 0.0
    for piece, pause_s in pieces:
        now_s += pause_s
        for found in frames.feed(piece, now_s) + frames.give_up(now_s):
            assert isinstance(found, Damage) or found
    assert frames.give_up(now_s + GAP_S) is not None
    assert frames.ends_at_s is None
