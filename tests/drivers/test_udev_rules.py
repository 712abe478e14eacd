"""The udev rules, as far as they can be judged without the devices: grammar, and who is named."""

import re
from pathlib import Path

import pytest

from drivers.usb import parse_usb_url
from sim.devices.sdt_usb import PRODUCT, VENDOR

ROOT = Path(__file__).resolve().parents[2]
RULES = (ROOT / "firmware" / "udev" / "60-muster.rules").read_text()
# udev(7): a key, an operator and a quoted value, comma between them. Nothing else on the line.
TERM = r'[A-Z]+(?:\{[A-Za-z_]+\})?(?:==|!=|\+=|:=|=)"[^"]*"'
LINE = re.compile(rf"{TERM}(?:, {TERM})*")
ACTIVE = [line for line in RULES.splitlines() if line and not line.startswith("#")]
OFFERED = [line[1:] for line in RULES.splitlines() if line.startswith("#SUBSYSTEM")]


@pytest.mark.parametrize("line", ACTIVE + OFFERED)
def test_every_line_is_a_rule(line: str) -> None:
    assert LINE.fullmatch(line)
    assert "==" in line  # never for every device there is


def test_every_usb_reader_of_the_sheet_may_be_used() -> None:
    sheet = (ROOT / "hw" / "sdt-reader.md").read_text()
    named = {
        (parse_usb_url(f"usb://{ids}").vendor, parse_usb_url(f"usb://{ids}").product)
        for ids in re.findall(r"\b[0-9a-f]{4}:[0-9a-f]{4}\b", sheet)
    }
    ruled = {
        (int(found[1], 16), int(found[2], 16))
        for line in ACTIVE
        if 'GROUP="dialout", MODE="0660"' in line
        and (found := re.search(r'idVendor}=="(\w+)", ATTR{idProduct}=="(\w+)"', line))
    }
    assert (VENDOR, PRODUCT) in ruled
    assert named == ruled
