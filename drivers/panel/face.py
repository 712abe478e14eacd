"""What a display of 128 x 64 dots shows: a verdict, or a number. Pure, but for the font's file."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from drivers.errors import DriverConfigError
from drivers.panel.strokes import draw_shape

WIDTH_PX, HEIGHT_PX = 128, 64
SIGN_PX = 40
HEAD_PX = 42  # the upper part: sign and word, or the number
GAP_PX = 4
WORD_SIZES_PX = (30, 28, 26, 24, 22, 20, 18, 16)
NUMBER_SIZES_PX = (42, 38, 34, 30, 26, 22, 18)
LINE_SIZES_PX = (18, 16, 14, 12)
ELLIPSIS = "…"
LONGEST = 64  # characters; more never fit
FONTS = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"),
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
)
"""Debian's fonts-noto-cjk."""
_SIMPLIFIED = "SC"  # of the faces in one file: the others draw the same characters in other ways
_MAX_FACES = 16


@dataclass(frozen=True, slots=True)
class Face:
    """One picture. With a `word` it is a verdict: `shape` (SVG) beside it; else `number` is large.

    `line` stands below in one row, and is cut where it does not fit. It may name a person.
    """

    shape: str = ""
    word: str = ""
    number: str = ""
    line: str = field(default="", repr=False)


class Typeface:
    """A font file, at any size."""

    def __init__(self, path: Path, index: int) -> None:
        self._path, self._index = path, index
        self.at = lru_cache(maxsize=32)(self._load)

    def _load(self, size_px: int) -> ImageFont.FreeTypeFont:
        return _truetype(self._path, size_px, self._index)


def find_typeface(wanted: Path | None) -> Typeface:
    """The font file asked for, or the system's; raises `DriverConfigError` when there is none."""
    path = wanted or next((font for font in FONTS if font.is_file()), None)
    if path is None:
        raise DriverConfigError("no font for the display: apt install fonts-noto-cjk")
    first = _open(path, 0)
    if first is None:
        raise DriverConfigError(f"{path} is no font")
    for index in range(_MAX_FACES):
        face = _open(path, index)
        if face is None:
            break
        if (face.getname()[0] or "").endswith(_SIMPLIFIED):
            return Typeface(path, index)
    return Typeface(path, 0)


def _open(path: Path, index: int) -> ImageFont.FreeTypeFont | None:
    try:
        return _truetype(path, LINE_SIZES_PX[0], index)
    except OSError:
        return None


def _truetype(path: Path, size_px: int, index: int) -> ImageFont.FreeTypeFont:
    # The other layout engine fails on some characters, and is not in every build of Pillow.
    return ImageFont.truetype(path, size_px, index, layout_engine=ImageFont.Layout.BASIC)


def draw(face: Face, typeface: Typeface) -> Image.Image:
    """The picture, one bit per dot, lit dots white."""
    image = Image.new("1", (WIDTH_PX, HEIGHT_PX), 0)
    canvas = ImageDraw.Draw(image)
    canvas.fontmode = "1"  # no grey edges: there is no grey
    if face.word:
        image.paste(draw_shape(face.shape, SIGN_PX), (0, (HEAD_PX - SIGN_PX) // 2))
        left = SIGN_PX + GAP_PX
        _fit(canvas, typeface, face.word, WORD_SIZES_PX, (left, 0, WIDTH_PX, HEAD_PX))
    elif face.number:
        box = (0, 0, WIDTH_PX, HEAD_PX)
        _fit(canvas, typeface, face.number, NUMBER_SIZES_PX, box)
    if face.line:
        _fit(canvas, typeface, face.line, LINE_SIZES_PX, (0, HEAD_PX, WIDTH_PX, HEIGHT_PX))
    return image


Box = tuple[int, int, int, int]


def _fit(
    canvas: ImageDraw.ImageDraw, typeface: Typeface, text: str, sizes_px: tuple[int, ...], box: Box
) -> None:
    """Write `text` as large as fits, in the middle of `box`; on two rows, or cut, if it must be."""
    text = "".join(sign if sign.isprintable() else " " for sign in text[:LONGEST])
    for size_px in sizes_px:
        for rows in (text, text.replace(" ", "\n", 1)):
            if _write(canvas, typeface.at(size_px), rows, box):
                return
    while not _write(canvas, typeface.at(sizes_px[-1]), text + ELLIPSIS, box):
        text = text[:-1].rstrip()


def _write(canvas: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont, rows: str, box: Box) -> bool:
    """Write `rows` in the middle of `box` if they fit."""
    left, top, right, bottom = canvas.multiline_textbbox((0, 0), rows, font, spacing=0)
    spare_x, spare_y = box[2] - box[0] - (right - left), box[3] - box[1] - (bottom - top)
    if spare_x < 0 or spare_y < 0:
        return False
    at = round(box[0] + spare_x / 2 - left), round(box[1] + spare_y / 2 - top)
    canvas.multiline_text(at, rows, 1, font, spacing=0, align="center")
    return True
