"""A mistake in a TOML file is found on its line."""

import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.toml_lines import line_of, locate

TEXT = '''\
# A comment with [a.table] and key = 1 in it

title = "x"      # 3
[lights]
accepted = 5
"look" = 6
[nested.deeper]
text = """
[not.a.table]
accepted = 7
"""
list = [
  1, # one
  2,
]
after.dotted = true
inline = { a = 1, b = 2 }
[[points]]
name = "p"
[[points]]
name = "q"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("title",), 3),
        (("lights",), 4),
        (("lights", "accepted"), 5),
        (("lights", "look"), 6),
        (("nested",), 7),
        (("nested", "deeper", "text"), 8),
        (("nested", "deeper", "list"), 12),
        (("nested", "deeper", "list", 1), 12),
        (("nested", "deeper", "after", "dotted"), 16),
        (("nested", "deeper", "inline", "b"), 17),
        (("points", 0, "name"), 19),
        (("points", 1), 20),
        (("points", 1, "name"), 21),
        (("points", 2, "name"), 18),
        (("lights", "missing"), 4),
        (("missing",), 1),
    ],
)
def test_a_key_is_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line
    assert line_of(TEXT.replace("\n", "\r\n"), path) == line


keys = st.text("abc", min_size=1, max_size=2)
values = st.sampled_from(["1", '"[x]"', "'''\na = 1\n[b]\n'''", "[\n1,\n# 2\n]", '{ z = "\\n" }'])


@given(st.lists(st.tuples(st.sampled_from(["", "# a = 1\n", "\n\n"]), keys, values), max_size=6))
def test_every_key_is_found_where_it_was_written(rows: list[tuple[str, str, str]]) -> None:
    text, written = "", {}
    for before, key, value in rows:
        if key not in written:
            text += before
            written[key] = text.count("\n") + 1
            text += f"{key} = {value}\n"
    tomllib.loads(text)
    for key, line in written.items():
        assert line_of(text, (key,)) == line


class Lights(msgspec.Struct, forbid_unknown_fields=True):
    accepted: int
    look: int = 0


class Point(msgspec.Struct):
    name: str


class File(msgspec.Struct, forbid_unknown_fields=True):
    lights: Lights
    points: list[Point] = []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\n[lights]\naccepted = 'x'\n", 3, "lights.accepted: Expected `int`, got `str`"),
        ("[lights]\naccepted = 1\nlok = 2\n", 3, "lights: Object contains unknown field `lok`"),
        ("\n\n[lights]\nlook = 1\n", 3, "lights: Object missing required field `accepted`"),
        ("x = 1\n", 1, "Object contains unknown field `x`"),
        ("\n", 1, "Object missing required field `lights`"),
        (
            "[lights]\naccepted = 1\n[[points]]\nname = 'a'\n[[points]]\nname = 2\n",
            6,
            "points.1.name: Expected `str`, got `int`",
        ),
    ],
)
def test_what_msgspec_found_is_located(text: str, line: int, words: str) -> None:
    values: Any = tomllib.loads(text)
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(values, File)
    assert locate(text, caught.value) == (line, words)
