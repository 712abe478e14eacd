"""A courier's codes on paper and in a real window: a camera reads them all."""

import asyncio
import io
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import async_playwright

from courier.codes import QR_VERSION, QUIET_ZONE_MODULES, code_page
from courier.words import Teller
from protocol.courier import CourierHead, Direction
from protocol.fragments import PART_BYTES, Gatherer, parse_fragment, split
from runtime.language import Lang
from sim.processes import REPOSITORY
from tests.browser import CHROMIUM, FLAGS, Watched

pytestmark = pytest.mark.browser

HEAD = CourierHead(Direction.UP, "qinghe", "qingshan-1", 0x89ABCDEF, 41, 45, 0)
CODES_TO_A_PAGE = 6
DATA = random.Random(1).randbytes(PART_BYTES * CODES_TO_A_PAGE - 20)
A4_POINTS = (595, 842)
MODULES = 17 + 4 * QR_VERSION + 2 * QUIET_ZONE_MODULES
WINDOW = """
import sys
from courier.codes import show_codes
from courier.words import Teller
from protocol.courier import CourierHead, Direction
head = CourierHead(Direction.UP, "qinghe", "qingshan-1", 1, 1, 2, 0)
show_codes(sys.argv[1:], head, None, Teller("en"), ["What to do."])
"""
FRAME = re.compile(r"\x1b\[H(.*?)\x1b\[J", re.DOTALL)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PIXELS = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}
LIMIT_S = 30


def gathered(texts: list[str]) -> bytes | None:
    gatherer = Gatherer()
    found = [gatherer.take(parse_fragment(text)) for text in texts]
    return next((whole for whole in found if whole is not None), None)


async def printed(file: Path) -> tuple[bytes, bytes, Watched]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            watched = Watched(await chromium.new_page())
            await watched.page.emulate_media(media="print")
            await watched.page.goto(file.as_uri())
            picture = await watched.page.screenshot(full_page=True)
            pdf = await watched.page.pdf(prefer_css_page_size=True)
        finally:
            await chromium.close()
    return picture, pdf, watched


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_code_on_the_page_scans(tmp_path: Path, lang: Lang) -> None:
    file = tmp_path / "codes.html"
    file.write_text(code_page(split(DATA), HEAD, Teller(lang)), encoding="utf-8")
    picture, pdf, watched = asyncio.run(printed(file))
    texts = [each.text for each in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))]
    assert gathered(texts) == DATA
    boxes = re.findall(rb"/MediaBox *\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert [(round(float(w)), round(float(h))) for w, h in boxes] == [A4_POINTS]
    assert watched.complaints == []
    assert watched.requested == [file.as_uri()]


def as_seen(frame: str) -> Image.Image:
    """What a window shows: a character is one module wide and two high."""
    rows = [line for line in COLOUR.sub("", frame).replace("\r", "").split("\n") if "█" in line]
    assert {len(row) for row in rows} == {MODULES}
    image = Image.new("L", (MODULES, 2 * len(rows)))
    for y, row in enumerate(rows):
        for x, character in enumerate(row):
            upper, lower = PIXELS[character]
            image.putpixel((x, 2 * y), upper)
            image.putpixel((x, 2 * y + 1), lower)
    return image.resize((8 * MODULES, 16 * len(rows)), Image.Resampling.NEAREST)


def frames_of_a_window(texts: list[str]) -> tuple[list[str], int]:
    """The frames a terminal window gets until all came, and how Ctrl-C ends it."""
    window, inner = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WINDOW, *texts],
        cwd=REPOSITORY, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
    )  # fmt: skip
    os.close(inner)
    shown = b""
    try:
        ends_s = time.monotonic() + LIMIT_S
        while len(FRAME.findall(shown.decode(errors="ignore"))) <= len(texts):
            ready, _, _ = select.select([window], [], [], ends_s - time.monotonic())
            assert ready, "the window stays empty"
            shown += os.read(window, 65536)
        process.send_signal(signal.SIGINT)
        code = process.wait(LIMIT_S)
    finally:
        process.kill()
        process.wait(LIMIT_S)
        os.close(window)
    return FRAME.findall(shown.decode(errors="ignore")), code


def test_a_camera_before_a_window_gets_them_all_and_ctrl_c_ends_it() -> None:
    data = DATA[: 2 * PART_BYTES + 5]  # the last one is nearly empty, and as large as the others
    texts = split(data)
    frames, code = frames_of_a_window(texts)
    assert code == 0
    assert all("What to do." in frame for frame in frames)
    assert "1 of 3" in frames[0]
    read = [each.text for frame in frames for each in zxingcpp.read_barcodes(as_seen(frame))]
    assert gathered(read) == data
