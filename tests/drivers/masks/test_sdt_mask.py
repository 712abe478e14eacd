"""What is left of a card in a recording: its layout, and nothing that says whose it is."""

from collections.abc import Sequence
from functools import reduce
from operator import xor
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.masks.frames import FrameMask
from drivers.masks.sdt import sdt_mask
from drivers.readers.base import CardRead
from drivers.readers.resident_card import UnknownLayout, parse_text_block
from drivers.readers.sdt_frames import (
    PREAMBLE,
    Command,
    SdtFramer,
    Status,
    command,
    parse_reply,
    text_block,
)
from drivers.recording import Recorder, read_recording
from sim.devices.card import Card, CardKind, encode_text_block
from sim.devices.idreader import PHOTO, SAM_ID

OK = bytes.fromhex("000090")
NUMBERS = st.integers(0, 999).map(lambda n: f"11010519491231{n:03d}")
NAMES = st.text("张王李赵欧阳司马春花秋月", min_size=2, max_size=15)


def framed(payload: bytes) -> bytes:
    checked = (len(payload) + 1).to_bytes(2, "big") + payload
    return PREAMBLE + checked + bytes([reduce(xor, checked)])


def read_reply(text: bytes, *rest: bytes) -> bytes:
    lengths = b"".join(len(part).to_bytes(2, "big") for part in (text, *rest))
    return framed(OK + lengths + text + b"".join(rest))


def masked(data: bytes, mask: FrameMask | None = None) -> bytes:
    mask = mask or sdt_mask()
    return mask.feed(data) + mask.end()


def card_in(frames: bytes) -> CardRead:
    (payload,) = SdtFramer().feed(frames)
    text = text_block(parse_reply(payload).data)
    assert text is not None
    return parse_text_block(text)


@pytest.mark.parametrize("kind", CardKind)
@pytest.mark.parametrize("prints", [(), (bytes(512),), (bytes(1024),)])
def test_a_card_becomes_a_specimen_of_its_layout(kind: CardKind, prints: tuple[bytes]) -> None:
    number = "ABC110105123456" if kind is CardKind.FOREIGN_2017 else "11010519491231002X"
    card = Card(number=number, name="张三丰", latin_name="ZHANG SANFENG", kind=kind)
    original = read_reply(encode_text_block(card), PHOTO, *prints)
    specimen = masked(original)
    assert len(specimen) == len(original)
    before, after = card_in(original), card_in(specimen)
    assert after.document is before.document
    assert after.number_is_valid
    assert after.number != before.number
    assert after.name == "样本"
    assert after.valid_until is not None
    assert specimen[-1 - len(PHOTO) :].count(0) >= len(PHOTO)


def test_two_cards_stay_two_and_one_stays_one() -> None:
    mask = sdt_mask()
    texts = [encode_text_block(Card(number=f"11010519491231{n:03}", name="甲")) for n in (1, 2, 1)]
    numbers = [card_in(masked(read_reply(text, PHOTO), mask)).number for text in texts]
    assert numbers[0] == numbers[2] != numbers[1]


@pytest.mark.parametrize("letter", ["Z", "1", "张"])
def test_an_unknown_layout_stays_unknown_and_is_blank(letter: str) -> None:
    text = bytearray(encode_text_block(Card(number="11010519491231002X", name="张三丰")))
    text[248:250] = letter.encode("utf-16-le")
    specimen = masked(read_reply(bytes(text), bytes(1)))
    with pytest.raises(UnknownLayout):
        card_in(specimen)
    assert ("Z" if letter == "Z" else "?").encode("utf-16-le") in specimen
    assert letter == "Z" or letter.encode("utf-16-le") not in specimen


@pytest.mark.parametrize("size_bytes", [0, 1, 255, 512])
def test_a_text_of_another_size_is_spaces(size_bytes: int) -> None:
    secret = Random(1).randbytes(size_bytes)
    (payload,) = SdtFramer().feed(masked(read_reply(secret, bytes(7))))
    assert (text_block(parse_reply(payload).data) or b"").strip(b" \0") == b""


def test_status_replies_and_the_vendor_frame_stay() -> None:
    frames = [framed(bytes([1, 2, status])) for status in Status]
    vendor = PREAMBLE + bytes.fromhex("00 05 05 05 05")
    for frame in (*frames, vendor):
        assert masked(frame) == frame


def test_the_module_keeps_its_make_and_not_its_number() -> None:
    specimen = masked(framed(OK + SAM_ID))
    (payload,) = SdtFramer().feed(specimen)
    assert payload[:7] == OK + SAM_ID[:4]
    assert SAM_ID[4:8] not in specimen
    assert SAM_ID[8:] not in specimen


@pytest.mark.parametrize("size_bytes", [1, 8, 28, 70, 280])
def test_any_other_data_is_zeroed(size_bytes: int) -> None:
    secret = bytes(range(100, 100 + size_bytes % 100)) or b"x"
    assert masked(framed(OK + secret)) == framed(OK + bytes(len(secret)))


@settings(deadline=None)  # some thousand bytes, one by one
@given(st.binary(max_size=40), st.integers(1, 1500), st.integers(1, 300))
def test_pieces_and_noise_change_nothing(noise: bytes, cut: int, size_bytes: int) -> None:
    """A frame is found behind any noise and in any pieces, as the driver finds it."""
    reply = read_reply(encode_text_block(Card(number="11010519491231002X", name="甲")), PHOTO)
    stream = noise.replace(PREAMBLE, b"") + b"\xaa" + reply
    mask = sdt_mask()
    parts = [stream[:cut], *(stream[i : i + size_bytes] for i in range(cut, 3000, size_bytes))]
    out = b"".join(mask.feed(part) for part in parts) + mask.end()
    assert out.endswith(masked(reply))
    assert set(out[: len(stream) - len(reply)]) <= {0, 0xAA}


def test_a_damaged_reply_stays_one_and_what_follows_is_found() -> None:
    reply = bytearray(read_reply(encode_text_block(Card(number="1" * 17, name="甲")), PHOTO))
    reply[100] ^= 4
    status = framed(OK)
    out = masked(bytes(reply) + status)
    assert out.startswith(reply[:7])
    assert out.endswith(status)
    assert set(out[8 : len(reply)]) == {0, 0xAA}
    frames = SdtFramer()
    assert frames.feed(out) == [OK]
    assert frames.damaged == 1


def test_a_torn_reply_is_given_up_when_the_line_falls_quiet() -> None:
    reply = read_reply(encode_text_block(Card(number="1" * 17, name="甲")), PHOTO)
    mask = sdt_mask()
    assert mask.feed(reply[:600]) == b""
    torn = mask.end()
    assert (torn[:7], len(torn)) == (reply[:7], 600)
    assert mask.feed(framed(OK)) == framed(OK)


def test_blanks_never_make_a_damaged_frame_good() -> None:
    """Length 0404 and zeros have a good checksum: a mask must not make a frame of its own."""
    data = PREAMBLE + b"\x04\x04" + b"\x01" * 0x403 + b"\x02"
    assert SdtFramer().feed(data) == []
    assert SdtFramer().feed(masked(data)) == []


def test_a_stream_of_preambles_holds_back_no_more_than_a_frame() -> None:
    mask = sdt_mask()
    held_bytes = 0
    for _ in range(2000):
        piece = PREAMBLE + b"\x09\x00"
        held_bytes += len(piece) - len(mask.feed(piece))
        assert held_bytes <= 4096


@settings(deadline=None)  # up to three replies, byte by byte
@given(
    st.lists(st.tuples(NUMBERS, NAMES, st.integers(0, 400)), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
)
def test_neither_name_nor_number_reaches_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    people: Sequence[tuple[str, str, int]],
    random: Random,
) -> None:
    """Whatever the line does: whole, damaged, torn, in pieces."""
    path = tmp_path_factory.mktemp("sdt") / "recording"
    cards = [Card(number=number, name=name, address=name * 2) for number, name, _ in people]
    with Recorder(path, "sdt", lambda: 0.0) as recorder:
        for card, (_, _, damage_at) in zip(cards, people, strict=True):
            reply = bytearray(read_reply(encode_text_block(card), PHOTO))
            if damage_at < 200:
                reply[damage_at] ^= 1 << random.randrange(8)
            elif damage_at < 300:
                del reply[damage_at:]
            recorder.take("host", command(Command.READ))
            step = random.randint(1, 1500)
            for start in range(0, len(reply), step):
                recorder.take("device", bytes(reply[start : start + step]))
    written = b"".join(entry.data for entry in read_recording(path).entries)
    as_text = [written[odd:].decode("utf-16-le", errors="replace") for odd in (0, 1)]
    as_text += [path.read_text(), written.decode("latin-1")]
    for card in cards:
        # From six digits on: the specimens' own area and year are all that could be met.
        runs = {card.number[at : at + 6] for at in range(len(card.number) - 5)}
        for text in as_text:
            assert card.name not in text
            assert not [run for run in runs if run in text]


def test_commands_stay(tmp_path: Path) -> None:
    with Recorder(tmp_path / "r", "sdt", lambda: 0.0) as recorder:
        for what in Command:
            recorder.take("host", command(what))
    said = [entry.data for entry in read_recording(tmp_path / "r").entries]
    assert said == [command(what) for what in Command]
