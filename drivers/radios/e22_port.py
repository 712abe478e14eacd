"""The serial line of an EByte modem: always at 9600 baud (hw/e22.md 1)."""

from urllib.parse import parse_qs, urlsplit

from drivers.errors import DriverConfigError
from drivers.port import BytePort, open_port
from drivers.radios.e22_frames import BAUD


async def open_e22(url: str) -> BytePort:
    """Open a port as `open_port` does, a serial one at the modem's rate. Raises as it does."""
    return await open_port(_at_its_rate(url))


def _at_its_rate(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "serial" or parse_qs(parts.query) == {"baud": [str(BAUD)]}:
        return url
    if parts.query:
        raise DriverConfigError(f"port {url!r}: an EByte modem is set up at {BAUD} baud only")
    return f"{url}?baud={BAUD}"
