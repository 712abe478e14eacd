"""Base45: the examples of RFC 9285, every byte there and back, and one spelling only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.base45 import ALPHABET, decode_base45, encode_base45
from protocol.errors import Malformed


@pytest.mark.parametrize(
    ("data", "text"),
    [  # RFC 9285, sections 4.3 and 4.4
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"", ""),
    ],
)
def test_examples_of_the_rfc(data: bytes, text: str) -> None:
    assert encode_base45(data) == text
    assert decode_base45(text) == data


@given(st.binary(max_size=200))
def test_bytes_come_back(data: bytes) -> None:
    text = encode_base45(data)
    assert set(text) <= set(ALPHABET)
    assert decode_base45(text) == data


@given(st.text(st.sampled_from(ALPHABET), max_size=60) | st.text(max_size=20))
def test_any_text_is_refused_or_is_the_one_spelling_of_its_bytes(text: str) -> None:
    try:
        data = decode_base45(text)
    except Malformed:
        return
    assert encode_base45(data) == text


@pytest.mark.parametrize(
    "text",
    ["A", "BB8A", ":::", "GGX", "::", "5::", "bb8", "BB8\n", "ＢＢ8"],  # GGW is 65535, GGX one more
)
def test_what_is_no_base45(text: str) -> None:
    with pytest.raises(Malformed):
        decode_base45(text)
