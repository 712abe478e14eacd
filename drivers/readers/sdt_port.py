"""Opens the port of an SDT reader: a serial line whose rate may have to be found, TCP, or USB.

    serial:///dev/ttyUSB0?baud=115200         as any serial line
    serial:///dev/ttyUSB0?baud=auto           whichever rate the reader answers at
    serial:///dev/ttyUSB0?baud=auto&set=115200   found, then told to run at this one
    usb://0400:c35a                           a reader without a serial line; see `sdt_usb`
    tcp://127.0.0.1:4001                      a serial server

The rate is found as vendors do it: ask for the module's status at one after the other
(hw/sdt-reader.md 1).
"""

import asyncio
import logging
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from drivers.errors import DriverConfigError
from drivers.port import BytePort, open_port
from drivers.readers.sdt_frames import SET_BAUD, Command, SdtFramer, command
from drivers.readers.sdt_heard import Sample
from drivers.registry import load

log = logging.getLogger(__name__)

BAUDS = (115200, 57600, 38400, 19200, 9600, 230400)  # likeliest first; the last on some boards
LISTEN_S = 0.6  # far above 22 ms of status and answer at 9600; over half of what a receiver's
# sentences leave between them, so that it is heard at its own rate
CHANGE_S = 0.3  # assumed: what a module needs to change its rate
_OPEN_USB = "drivers.readers.sdt_usb:open_usb"

_found_baud: dict[str, int] = {}
"""At which rate the reader on a path was found last: where to begin next time, nothing else."""


async def open_sdt(url: str) -> BytePort:
    """Open an SDT reader's port; see this module for the URLs.

    Raises what `open_port` raises, and with `baud=auto` `DeviceSilent` when no reader answers at
    any rate: `OtherDevice` when something else talks there.
    """
    parts = urlsplit(url)
    if parts.scheme == "usb":
        port: BytePort = await load(_OPEN_USB)(url)
        return port
    options = parse_qs(parts.query, keep_blank_values=True)
    if options.pop("baud", None) != ["auto"]:
        return await open_port(url)
    wanted = _wanted_baud(url, options)
    found = await _find(parts.path, _order(parts.path))
    if wanted in (None, _found_baud[parts.path]):
        return found
    return await _change(parts.path, found, _found_baud[parts.path], wanted)


def _wanted_baud(url: str, options: dict[str, list[str]]) -> int | None:
    texts = options.pop("set", [""])
    known = {"": None} | {str(baud): baud for baud in SET_BAUD}
    if options or len(texts) != 1 or texts[0] not in known:
        rates = ", ".join(map(str, sorted(SET_BAUD)))
        raise DriverConfigError(f"port {url!r}: only &set=RATE may follow ?baud=auto; of {rates}")
    return known[texts[0]]


def _order(path: str) -> Iterable[int]:
    return sorted(BAUDS, key=lambda baud: baud != _found_baud.get(path))  # stable: the rest stays


async def _find(path: str, bauds: Iterable[int]) -> BytePort:
    """The port at the first rate a reader answers at."""
    tried, heard = [], []
    for baud in bauds:
        sample = Sample()
        port = await _open_if_answered(path, baud, sample)
        if port is not None:
            log.info("sdt: reader found at %d baud", baud)
            _found_baud[path] = baud
            return port
        tried.append(baud)
        heard.append((sample.is_telling, len(sample), baud, sample))
    _, count, baud, sample = max(heard)  # what tells most about what is there
    where = f"at {baud} baud" if count else f"at {', '.join(map(str, tried))} baud"
    raise sample.verdict(f"on {path} {where}")


async def _open_if_answered(path: str, baud: int, sample: Sample) -> BytePort | None:
    """The open port if a reader answers on it; what else came in is in `sample`."""
    port = await open_port(f"serial://{path}?baud={baud}")
    is_reader = False
    try:
        is_reader = await _is_answered(port, sample)
    finally:
        if not is_reader:
            await port.close()
    return port if is_reader else None


async def _is_answered(port: BytePort, sample: Sample) -> bool:
    """Whether the other end speaks our protocol at this rate. A fault in its words will do."""
    frames = SdtFramer()
    await port.write(command(Command.SAM_STATUS))
    until_s = asyncio.get_running_loop().time() + LISTEN_S
    try:
        async with asyncio.timeout_at(until_s):
            while True:
                data = await port.read()
                sample.add(data)
                if frames.feed(data):
                    return True
    except TimeoutError:
        return False


async def _change(path: str, port: BytePort, now_baud: int, wanted_baud: int) -> BytePort:
    """Tell the reader to run at another rate; where it does not, go on at the one it has."""
    try:
        await port.write(command(SET_BAUD[wanted_baud]))
        await asyncio.sleep(CHANGE_S)
    finally:
        await port.close()
    changed = await _open_if_answered(path, wanted_baud, Sample())
    if changed is None:
        log.warning("sdt: the reader stays at %d baud, told to run at %d", now_baud, wanted_baud)
        return await _find(path, _order(path))
    log.info("sdt: reader runs at %d baud now", wanted_baud)
    _found_baud[path] = wanted_baud
    return changed
