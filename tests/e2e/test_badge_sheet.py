"""Badges on paper: every code on the page scans and verifies, nothing runs over its card."""

import asyncio
import io
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter
from playwright.async_api import Page, async_playwright

from protocol.badge import Badge, BadgeVerdict, badge_id_text, check_badge, encode_badge
from protocol.keys import credential_digest
from provisioning.badge_sheet import Paper, badge_sheet
from provisioning.badges import IssuedBadge
from provisioning.county import County, CountyBroker
from provisioning.holders import Holder
from tests.badges import FIRST_DAY, ISSUERS, LAST_DAY
from tests.browser import CHROMIUM, FLAGS, Watched
from tests.parties import BADGE_KEY, COUNTY_KEY

pytestmark = pytest.mark.browser

COUNTY = County("qinghe", "清河县", "Qinghe county", "gateway", CountyBroker(("::1",), 1), ())
LONG_UNIT = "清河县应急管理局青山镇专职消防救援站第二分队" * 2
NAMES = [
    "王伟",
    "欧阳娜娜",
    "阿卜杜拉·买买提·吐尔逊江",
    "Alexandra Katherine Montgomery-Smythe",
    "<b>&\"'",
    *(f"队员{number}" for number in range(16)),
]
POINTS_PER_MM = 72 / 25.4


def holder(number: int, name: str) -> Holder:
    unit = LONG_UNIT if number % 2 else "一排"
    return Holder(credential_digest(COUNTY_KEY, str(number)), name, unit, "驾驶员" * (number % 4))


def issued(number: int, who: Holder) -> IssuedBadge:
    made = Badge(number.to_bytes(5, "big"), who.digest, FIRST_DAY, LAST_DAY)
    return IssuedBadge(made, encode_badge(made, BADGE_KEY))


HOLDERS = [holder(number, name) for number, name in enumerate(NAMES)]
BADGES = [(who, issued(number, who)) for number, who in enumerate(HOLDERS)]


@dataclass
class Printed:
    """What came out of the browser."""

    pages: list[bytes]
    """Screenshots, PNG, at 96 dpi: coarser than any printer."""
    media_boxes: list[tuple[float, float]]
    """Of the PDF, in millimetres."""
    overflowing: list[str]
    requested: list[str]
    complaints: list[str]
    text: str


async def print_page(file: Path) -> Printed:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            watched = Watched(await chromium.new_page())
            await watched.page.emulate_media(media="print")
            await watched.page.goto(file.as_uri())
            return await look(watched)
        finally:
            await chromium.close()


async def look(watched: Watched) -> Printed:
    page = watched.page
    await watched.picture("badges")
    pdf = await page.pdf(prefer_css_page_size=True, print_background=True)
    boxes = re.findall(rb"/MediaBox *\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return Printed(
        [await each.screenshot() for each in await page.locator(".page").all()],
        [(float(w) / POINTS_PER_MM, float(h) / POINTS_PER_MM) for w, h in boxes],
        await overlapping(page),
        watched.requested,
        watched.complaints,
        await page.inner_text("body"),
    )


async def overlapping(page: Page) -> list[str]:
    """Cards on which two of the parts lie on each other, or one outside the card."""
    found = await page.eval_on_selector_all(
        ".card",
        """cards => cards.filter(card => {
            const edge = card.getBoundingClientRect();
            const boxes = [...card.querySelectorAll('.head, .who, .facts, .loss, .code')]
                .map(part => part.getBoundingClientRect());
            const apart = (a, b) => a.right <= b.left || b.right <= a.left ||
                a.bottom <= b.top + .5 || b.bottom <= a.top + .5;
            return boxes.some((a, i) => a.left < edge.left || a.right > edge.right ||
                a.top < edge.top || a.bottom > edge.bottom ||
                boxes.slice(i + 1).some(b => !apart(a, b)));
        }).map(card => card.textContent)""",
    )
    return [str(text) for text in found]


def printed(paper: Paper, folder: Path, count: int = len(BADGES)) -> Printed:
    file = folder / "badges.html"
    file.write_text(badge_sheet(BADGES[:count], COUNTY, paper), "utf-8")
    return asyncio.run(print_page(file))


def scanned(png: bytes) -> list[str]:
    image = Image.open(io.BytesIO(png)).convert("L")
    return [found.text for found in zxingcpp.read_barcodes(image)]


@pytest.fixture(scope="module")
def a4(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    return printed(Paper.A4, tmp_path_factory.mktemp("a4"))


def test_every_code_on_the_sheet_scans_and_verifies(a4: Printed) -> None:
    texts = [text for page in a4.pages for text in scanned(page)]
    assert set(texts) == {badge.text for _, badge in BADGES}
    for text in texts:
        check = check_badge(text, ISSUERS, (), date(2026, 9, 21))
        assert check.verdict is BadgeVerdict.VALID


def test_a_sheet_is_a4_with_ten_to_a_page(a4: Printed) -> None:
    assert len(a4.pages) == len(a4.media_boxes) == 3
    for box in a4.media_boxes:
        assert box == pytest.approx((210, 297), abs=0.2)
    assert [len(scanned(page)) for page in a4.pages] == [10, 10, 1]


def test_a_card_has_the_size_of_a_card(tmp_path: Path) -> None:
    card = printed(Paper.CARD, tmp_path, count=4)
    assert len(card.pages) == len(card.media_boxes) == 4
    for box in card.media_boxes:
        assert box == pytest.approx((85.6, 54), abs=0.2)
    assert [text for page in card.pages for text in scanned(page)] == [
        badge.text for _, badge in BADGES[:4]
    ]
    assert card.overflowing == []


def test_nothing_lies_on_anything_else_however_long_a_name_is(a4: Printed) -> None:
    assert a4.overflowing == []


def test_nothing_is_loaded_and_nothing_complains(a4: Printed) -> None:
    assert len(a4.requested) == 1
    assert a4.requested[0].startswith("file:")
    assert a4.complaints == []


def test_the_paper_says_in_both_languages_what_people_need(a4: Printed) -> None:
    for word in ("清河县", "集结证", "Qinghe county", "Muster badge", "有效期至", "Valid until"):
        assert word in a4.text
    for who, badge in BADGES:
        assert who.name in a4.text
        assert badge_id_text(badge.badge.badge_id) in a4.text
    assert "2027-12-31" in a4.text


def test_a_worn_and_blurred_card_still_scans(a4: Printed) -> None:
    """ECC M mends 15 %: a thumb of 4 mm on the code, and a lens out of focus."""
    page = Image.open(io.BytesIO(a4.pages[0])).convert("L")
    draw = ImageDraw.Draw(page)
    for found in zxingcpp.read_barcodes(page):
        corner, middle = found.position.top_left, found.position.bottom_right
        x, y = (corner.x + middle.x) // 2, (corner.y + middle.y) // 2
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=90)
    blurred = page.filter(ImageFilter.GaussianBlur(0.8))
    assert {found.text for found in zxingcpp.read_barcodes(blurred)} == {
        badge.text for _, badge in BADGES[:10]
    }
