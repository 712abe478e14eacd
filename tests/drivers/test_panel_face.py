"""What the small display shows, dot by dot."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from drivers.errors import DriverConfigError
from drivers.panel.face import HEAD_PX, HEIGHT_PX, SIGN_PX, WIDTH_PX, Face, draw, find_typeface
from drivers.panel.strokes import draw_shape, parse_path
from protocol.verdict import SIGNS, Verdict
from terminal.panel import NOT_RECORDED, UNDONE

TYPEFACE = find_typeface(None)
HEAD = (0, 0, WIDTH_PX, HEAD_PX)
SIGN = (0, 0, SIGN_PX, HEAD_PX)
WORD = (SIGN_PX, 0, WIDTH_PX, HEAD_PX)
FOOT = (0, HEAD_PX, WIDTH_PX, HEIGHT_PX)
SHAPES = [signs.shape for signs in SIGNS.values()] + [NOT_RECORDED.shape, UNDONE.shape]


def lit(image: Image.Image, box: tuple[int, int, int, int] | None = None) -> int:
    return (image.crop(box) if box else image).convert("L").histogram()[255]


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_shows_sign_word_and_line(verdict: Verdict) -> None:
    signs = SIGNS[verdict]
    for word in (signs.word_zh, signs.word_en):
        image = draw(Face(signs.shape, word, line="三连 王"), TYPEFACE)
        assert (image.mode, image.size) == ("1", (WIDTH_PX, HEIGHT_PX))
        assert lit(image, SIGN) == lit(draw_shape(signs.shape, SIGN_PX))
        assert lit(image, WORD) > 200
        assert lit(image, FOOT) > 100


def test_a_verdict_is_read_at_arms_length() -> None:
    """The word is at least 20 dots high: 3.5 mm on a display of 0.96 inch."""
    for signs in SIGNS.values():
        box = draw(Face(signs.shape, signs.word_zh), TYPEFACE).crop(WORD).getbbox()
        assert box is not None
        assert box[3] - box[1] >= 20


def test_shapes_are_told_apart() -> None:
    images = [draw_shape(shape, SIGN_PX) for shape in SHAPES]
    for number, one in enumerate(images):
        for other in images[number + 1 :]:
            assert lit(ImageChops.logical_xor(one, other)) > 150


def test_every_shape_lies_where_its_drawing_does() -> None:
    """Dots that the SVG puts there: (x, y) in its box of 48."""
    inside = {
        Verdict.ACCEPTED: [(3, 24), (24, 3), (45, 24), (21, 33)],
        Verdict.ALREADY: [(8, 24), (24, 40), (36, 8), (39, 24)],
        Verdict.LOOK: [(24, 4), (6, 42), (42, 42), (24, 24), (24, 36)],
        Verdict.STOP: [(24, 3), (3, 24), (45, 24), (24, 24), (17, 17), (31, 17)],
    }
    outside = {
        Verdict.ACCEPTED: [(1, 1), (30, 34), (24, 12)],
        Verdict.ALREADY: [(24, 24), (42, 34)],
        Verdict.LOOK: [(5, 10), (43, 10), (14, 36)],
        Verdict.STOP: [(1, 1), (24, 12), (46, 46)],
    }
    for verdict, signs in SIGNS.items():
        image = draw_shape(signs.shape, 48)
        assert all(image.getpixel(dot) for dot in inside[verdict]), verdict
        assert not any(image.getpixel(dot) for dot in outside[verdict]), verdict


def test_between_verdicts_the_number_is_the_page() -> None:
    image = draw(Face(number="126/180", line="等待 8 · 离线"), TYPEFACE)
    box = image.crop(HEAD).getbbox()
    assert box is not None
    assert box[3] - box[1] >= 20
    assert lit(image, FOOT) > 100
    assert lit(draw(Face(), TYPEFACE)) == 0


faces = st.builds(
    Face,
    shape=st.sampled_from(SHAPES),
    word=st.text("已签到请核 Already", max_size=30),
    number=st.text("0123456789/", max_size=15),
    line=st.text(max_size=40),
)


@given(faces)
def test_anything_can_be_shown_and_stays_in_its_place(face: Face) -> None:
    image = draw(face, TYPEFACE)
    assert image.size == (WIDTH_PX, HEIGHT_PX)
    if not face.line:
        assert lit(image, FOOT) == 0


def test_a_long_line_is_cut_and_says_so() -> None:
    short, long = (draw(Face(line="王" * count), TYPEFACE) for count in (10, 60))
    assert lit(long, FOOT) > 100
    assert long.tobytes() != short.tobytes()


def test_who_is_shown_is_in_no_log() -> None:
    assert "王小明" not in repr(Face(word="x", line="王小明"))


@pytest.mark.parametrize(
    "svg",
    [
        '<rect x="1"/>',
        "<circle>",
        "text",
        '<path d="M0 0C1 1 2 2 3 3" stroke="currentColor"/>',
        '<path d="M0 0a1 2 0 0 1 3 3" stroke="currentColor"/>',
    ],
)
def test_a_shape_that_cannot_be_drawn_is_an_error(svg: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        draw_shape(svg, 48)


def test_a_path_is_followed_point_by_point() -> None:
    assert list(parse_path("M1 2l3-1 1 1H10V4zM5 5")) == [
        [(1, 2), (4, 1), (5, 2), (10, 2), (10, 4), (1, 2)],
        [(5, 5)],
    ]


def test_an_arc_keeps_its_distance_and_its_side() -> None:
    (line,) = parse_path("M40 24a16 16 0 1 1-5-11.6")
    assert line[-1] == pytest.approx((35, 12.4))
    for x, y in line:
        assert ((x - 24) ** 2 + (y - 24) ** 2) ** 0.5 == pytest.approx(16, abs=0.1)
    assert max(y for _, y in line) == pytest.approx(40, abs=0.2)  # the long way, below


@pytest.mark.parametrize(
    ("flags", "centre", "passes"),
    [
        ("0 1", (0, 0), (7.07, 7.07)),
        ("1 0", (0, 0), (-10, 0)),
        ("0 0", (10, 10), (2.93, 2.93)),
        ("1 1", (10, 10), (20, 10)),
    ],
)
def test_an_arc_goes_the_way_its_flags_say(
    flags: str, centre: tuple[int, int], passes: tuple[float, float]
) -> None:
    """From (10, 0) to (0, 10): two circles of radius 10, and two ways round each."""
    (line,) = parse_path(f"M10 0A10 10 0 {flags} 0 10")
    for x, y in line:
        assert ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) ** 0.5 == pytest.approx(10)
    assert min((x - passes[0]) ** 2 + (y - passes[1]) ** 2 for x, y in line) < 0.3


def test_a_font_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "font.ttf").write_text("no font")
    with pytest.raises(DriverConfigError, match=r"font\.ttf is no font"):
        find_typeface(tmp_path / "font.ttf")
    monkeypatch.setattr("drivers.panel.face.FONTS", ())
    with pytest.raises(DriverConfigError, match="fonts-noto-cjk"):
        find_typeface(None)
