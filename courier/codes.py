"""A courier's codes: in the window one after the other, on a page to print, as lines for a pipe."""

import io
import sys
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import click
import segno
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from courier.words import Teller
from protocol.courier import CourierHead, Direction
from runtime.files import SECRET_MODE, write_atomic

FRAME_S = 0.4  # a telephone's camera takes a tenth of it
ROUND_LIMIT = 1000  # whoever left the window open: it ends within half a day
QR_VERSION = 10  # the longest fragment; a shorter last one must not make the picture jump
QUIET_ZONE_MODULES = 4  # ISO/IEC 18004
# White on black in fixed colours of the 256: a window's theme may have turned its own around.
_COLOURS, _PLAIN = "\x1b[38;5;231;48;5;16m", "\x1b[0m"
_CLEAR, _HOME, _CLEAR_REST = "\x1b[2J", "\x1b[H", "\x1b[J"


def show_codes(
    texts: Sequence[str],
    head: CourierHead,
    page: Path | None,
    teller: Teller,
    sentences: Sequence[str],
) -> None:
    """Show them until Ctrl-C; write them to `page` instead; or to a pipe, one to a line.

    `sentences` go below the codes, or where the pipe does not take them.
    """
    if page is not None:
        write_atomic(page, code_page(texts, head, teller).encode(), mode=SECRET_MODE)
        for sentence in sentences[1:]:
            click.echo(sentence, err=True)
        teller.say("code.printed", path=page, total=len(texts))
    elif sys.stdout.isatty():
        _play(texts, teller, sentences)
    else:
        click.echo("\n".join(sentences), err=True)
        for text in texts:
            click.echo(text)


def window_frame(text: str) -> str:
    """One code in the characters of a window: two modules to a character, 65 columns, 33 lines."""
    drawn = io.StringIO()
    _code(text).terminal(drawn, border=QUIET_ZONE_MODULES, compact=True)
    return "\n".join(f"{_COLOURS}{line}{_PLAIN}" for line in drawn.getvalue().splitlines())


def code_page(texts: Sequence[str], head: CourierHead, teller: Teller) -> str:
    """One HTML page with every code and what to do with it; nothing loaded from outside."""
    environment = Environment(
        loader=PackageLoader("courier"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words, total = teller.words, len(texts)
    is_up = head.direction is Direction.UP
    fields = {"node": head.node, "first": head.first_seq, "last": head.last_seq}
    return environment.get_template("codes.html").render(
        lang=words.language,
        title=words("code.title"),
        name=head.name,
        to_do=words("code.page_up" if is_up else "code.page_down", **fields),
        codes=[
            (_drawing(text), words("code.number", index=number, total=total))
            for number, text in enumerate(texts, 1)
        ],
    )


def _play(texts: Sequence[str], teller: Teller, sentences: Sequence[str]) -> None:
    total = len(texts)
    frames = [
        "\n".join(
            [window_frame(text), teller.words("code.number", index=number, total=total), *sentences]
        )
        for number, text in enumerate(texts, 1)
    ]
    click.echo(_CLEAR, nl=False)
    try:
        for shown, frame in enumerate(cycle(frames)):
            if shown >= ROUND_LIMIT * len(frames):
                return
            click.echo(_HOME + frame + _CLEAR_REST, nl=False)
            time.sleep(FRAME_S)
    except KeyboardInterrupt:  # how whoever shows them says that they were scanned
        click.echo()


def _code(text: str) -> segno.QRCode:
    # A text of other characters would still be encoded, twice as large.
    return segno.make_qr(
        text, version=QR_VERSION, error="m", mode="alphanumeric", boost_error=False
    )


def _drawing(text: str) -> Markup:
    drawing = _code(text).svg_inline(border=QUIET_ZONE_MODULES, omitsize=True)
    return Markup(drawing)  # noqa: S704  # lines drawn by segno; nothing of it is text
