"""Receipts: the only word on which a record is let go, so they must not promise too much."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from protocol.ids import MAX_SEQ
from protocol.limits import MAX_MESSAGE_BYTES, MAX_RANGES
from protocol.receipts import (
    Receipt,
    Refusal,
    RefusalReason,
    pack_receipt,
    pack_refusal,
    unpack_receipt,
    unpack_refusal,
)
from protocol.sequences import Range, SeqSet
from protocol.signed import Label, encode_signed
from protocol.suites import SigningKey, message_digest

KEY = SigningKey.generate()


def receipt(upto: int, gaps: tuple[Range, ...] = (), refused: tuple[Range, ...] = ()) -> Receipt:
    return Receipt("qinghe", "qingshui-1", 7, upto, gaps, refused, "county-1", 1)


def travelled(sent: Receipt) -> Receipt:
    return unpack_receipt(pack_receipt(sent, KEY), KEY.public_key())


@given(st.sets(st.integers(1, 80)), st.sets(st.integers(1, 80)))
def test_a_receipt_promises_exactly_what_is_held(arrived: set[int], bad: set[int]) -> None:
    held = SeqSet((seq, seq) for seq in sorted(arrived | bad))
    refused = SeqSet((seq, seq) for seq in sorted(bad))
    sent = receipt(held.highest, tuple(held.gaps()), tuple(refused))
    assert travelled(sent) == sent
    stored = travelled(sent).stored()
    assert {seq for seq in range(100) if seq in stored} == arrived - bad


def test_an_empty_stream() -> None:
    assert list(travelled(receipt(0)).stored()) == []


@pytest.mark.parametrize(
    ("gaps", "refused"),
    [
        (((0, 1),), ()),
        (((3, 2),), ()),
        (((1, 2), (2, 3)), ()),
        (((5, 6), (1, 2)), ()),
        (((9, 11),), ()),
        ((), ((11, 11),)),
        ((), ((4, 4), (4, 4))),
        (((1, MAX_SEQ + 1),), ()),
        (((-1, 1),), ()),
    ],
)
def test_ranges_out_of_order_or_beyond_are_refused(
    gaps: tuple[Range, ...], refused: tuple[Range, ...]
) -> None:
    message = encode_signed(Label.RECEIPT, receipt(10, gaps, refused), KEY)
    with pytest.raises(Malformed):
        unpack_receipt(message, KEY.public_key())


def test_more_exceptions_than_fit_are_receipted_later() -> None:
    """A stream full of holes must not make a receipt that no broker carries."""
    far = MAX_SEQ - 8000
    gaps = tuple((far + 4 * n, far + 4 * n) for n in range(MAX_RANGES))
    refused = tuple((far + 4 * n + 2, far + 4 * n + 2) for n in range(MAX_RANGES))
    sent = receipt(MAX_SEQ, gaps, refused)
    message = pack_receipt(sent, KEY)
    assert len(message) < MAX_MESSAGE_BYTES
    received = unpack_receipt(message, KEY.public_key())
    assert len(received.gaps) + len(received.refused) == MAX_RANGES
    assert received.upto == gaps[MAX_RANGES // 2][0] - 1
    promised, held = received.stored(), sent.stored()
    assert promised.highest == received.upto
    for seq in range(far - 5, received.upto + 1):
        assert (seq in promised) == (seq in held)


def test_a_range_across_the_cut_is_cut() -> None:
    gaps = tuple((4 * n + 1, 4 * n + 3) for n in range(MAX_RANGES + 1))
    whole = receipt(4 * MAX_RANGES + 4, gaps, ((4 * MAX_RANGES, 4 * MAX_RANGES + 3),))
    cut = travelled(whole)
    assert cut.upto == 4 * MAX_RANGES - 1
    assert len(cut.gaps) == MAX_RANGES
    assert cut.refused == ()


def test_too_many_ranges_are_refused() -> None:
    gaps = tuple((2 * n + 1, 2 * n + 1) for n in range(MAX_RANGES + 1))
    message = encode_signed(Label.RECEIPT, receipt(10_000, gaps), KEY)
    with pytest.raises(Malformed):
        unpack_receipt(message, KEY.public_key())


def test_a_refusal_names_the_message_it_refuses() -> None:
    digest = message_digest(b"some message")
    sent = Refusal("qinghe", "qingshui-1", digest, RefusalReason.MALFORMED, "county-1", 5)
    assert unpack_refusal(pack_refusal(sent, KEY), KEY.public_key()) == sent
    short = msgspec.structs.replace(sent, message_digest=digest[:16])
    with pytest.raises(Malformed):
        unpack_refusal(pack_refusal(short, KEY), KEY.public_key())
