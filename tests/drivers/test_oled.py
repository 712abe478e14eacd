"""The small display through luma, on a simulated module's bus."""

import asyncio
import errno
import os

import pytest
from PIL import Image

from drivers.errors import DeviceRefused, DriverConfigError, DriverError, PortGone
from drivers.panel.display import BRIGHT, Chip, open_oled
from drivers.panel.face import Face, draw, find_typeface
from protocol.verdict import SIGNS, Verdict
from sim.devices.oled import SimOled

# luma's way to read a picture; pyproject.toml keeps Pillow below the release that ends it.
pytestmark = pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")
URL = "i2c:///dev/i2c-1?address=0x3c"
FACE = draw(Face(SIGNS[Verdict.STOP].shape, "请留步", line="三连"), find_typeface(None))


def dots(image: Image.Image) -> bytes:
    return bytes(value // 255 for value in image.convert("L").tobytes())


@pytest.mark.parametrize("chip", ["ssd1306", "sh1106"])
def test_the_module_shows_what_was_drawn_and_goes_dark(chip: Chip) -> None:
    module = SimOled(is_sh1106=chip == "sh1106")

    async def main() -> None:
        oled = await open_oled(URL, chip, open_bus=lambda _path: module)
        assert not any(module.pixels())
        await oled.show(FACE)
        assert module.pixels() == dots(FACE)
        assert module.contrast == BRIGHT
        await oled.close()

    asyncio.run(main())
    assert not module.is_on
    assert module.is_closed


def test_a_cable_that_comes_off_is_a_port_that_is_gone() -> None:
    module = SimOled()

    async def main() -> None:
        oled = await open_oled(URL, "ssd1306", open_bus=lambda _path: module)
        module.is_plugged = False
        with pytest.raises(PortGone, match="ssd1306 at /dev/i2c-1 0x3c"):
            await oled.show(FACE)
        await oled.close()

    asyncio.run(main())
    assert module.is_closed


def test_a_module_that_is_not_there_is_never_made() -> None:
    module = SimOled(address=0x3D)
    with pytest.raises(PortGone, match="no chip answers"):
        asyncio.run(open_oled(URL, "ssd1306", open_bus=lambda _path: module))
    assert module.is_closed


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOENT, PortGone), (errno.EACCES, DeviceRefused), (errno.EBUSY, DeviceRefused)],
)
def test_a_bus_that_cannot_be_had_says_why(number: int, kind: type[DriverError]) -> None:
    def refuse(_path: str) -> SimOled:
        raise OSError(number, os.strerror(number))

    with pytest.raises(kind):
        asyncio.run(open_oled(URL, "ssd1306", open_bus=refuse))


def test_this_machine_has_no_bus_and_says_so() -> None:
    with pytest.raises(PortGone, match="/dev/i2c-99"):
        asyncio.run(open_oled("i2c:///dev/i2c-99?address=0x3c", "sh1106"))


def test_an_option_that_means_nothing_is_refused() -> None:
    with pytest.raises(DriverConfigError, match="only address"):
        asyncio.run(open_oled(f"{URL}&rotate=1", "ssd1306"))
