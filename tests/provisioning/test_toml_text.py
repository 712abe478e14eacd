"""What we write as TOML is read back as it was."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.errors import BadPlan
from provisioning.toml_text import encode_toml

PRINTABLE = st.text().filter(str.isprintable)
TABLES = st.dictionaries(
    st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
    PRINTABLE | st.integers(-(2**63), 2**63 - 1) | st.lists(PRINTABLE, max_size=3),
    max_size=4,
)


@given(root=TABLES, table=TABLES, rows=st.lists(TABLES, min_size=1, max_size=3))
def test_values_survive(
    root: dict[str, str | int], table: dict[str, str | int], rows: list[dict[str, str | int]]
) -> None:
    text = encode_toml("two\nlines", root, {"Table": table, "Rows": rows})
    read = tomllib.loads(text.decode())
    assert read == root | {"Table": table, "Rows": rows}


@pytest.mark.parametrize("text", ["a\nb", "\x7f", "\x00", "\ud800"])
def test_what_cannot_be_printed_is_refused(text: str) -> None:
    with pytest.raises(BadPlan):
        encode_toml("", {"key": text})
