"""I2C: what a URL says, and what an error of the bus means."""

import asyncio
import errno
import os

import pytest

from drivers.errors import DeviceRefused, DeviceSilent, DriverConfigError, DriverError, PortGone
from drivers.i2c import bus_error, open_i2c, parse_i2c


def test_a_url_names_bus_address_and_options() -> None:
    assert parse_i2c("i2c:///dev/i2c-1?address=0x36") == ("/dev/i2c-1", 0x36, {})
    assert parse_i2c("i2c:///dev/i2c-10?address=66&cells=2") == ("/dev/i2c-10", 66, {"cells": "2"})


@pytest.mark.parametrize(
    "url",
    [
        "i2c:///dev/i2c-1",
        "i2c:///dev/i2c-1?address=",
        "i2c:///dev/i2c-1?address=0x80",
        "i2c:///dev/i2c-1?address=2",
        "i2c:///dev/i2c-1?address=six",
        "i2c://dev/i2c-1?address=0x36",
        "serial:///dev/i2c-1?address=0x36",
    ],
)
def test_a_url_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(DriverConfigError):
        parse_i2c(url)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EBUSY, DeviceRefused, "driver of the kernel"),
        (errno.EACCES, DeviceRefused, "group i2c"),
        (errno.ENOENT, PortGone, "no chip"),
        (errno.EREMOTEIO, PortGone, "no chip"),
        (errno.ENXIO, PortGone, "no chip"),
        (errno.ETIMEDOUT, DeviceSilent, "timed out"),
        (errno.EIO, DeviceSilent, "nput/output"),
    ],
)
def test_an_error_of_the_bus_says_what_to_do(
    number: int, kind: type[DriverError], words: str
) -> None:
    error = bus_error("chip", OSError(number, os.strerror(number)))
    assert type(error) is kind
    assert words in str(error)


def test_a_bus_that_is_not_there_is_gone() -> None:
    with pytest.raises(PortGone, match="/dev/i2c-99 0x36"):
        asyncio.run(open_i2c("i2c:///dev/i2c-99?address=0x36"))
