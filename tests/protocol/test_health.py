"""Heartbeats travel signed and within bounds."""

import msgspec
import pytest

from protocol.errors import Malformed
from protocol.health import (
    PowerReport,
    pack_heartbeat,
    unpack_heartbeat,
)
from protocol.suites import SigningKey
from tests.vectors.make_vectors import HEARTBEAT

KEY = SigningKey.generate()


def test_a_heartbeat_comes_back() -> None:
    assert unpack_heartbeat(pack_heartbeat(HEARTBEAT, KEY), KEY.public_key()) == HEARTBEAT


def test_a_heartbeat_without_a_fix() -> None:
    blind = msgspec.structs.replace(HEARTBEAT, latitude_e6=None, longitude_e6=None)
    assert unpack_heartbeat(pack_heartbeat(blind, KEY), KEY.public_key()) == blind


@pytest.mark.parametrize(
    "change",
    [
        {"node": "a b"},
        {"uptime_s": -1},
        {"version": "v" * 33},
        {"captured": 2**48},
        {"disk_free_bytes": 2**64 - 1},
        {"devices": ((1, "sdt", 5),)},
        {"devices": ((7, "sdt", 1),)},
        {"devices": ((1, "k" * 33, 1),)},
        {"devices": ((1, "sdt", 1),) * 17},
        {"position_trust": 4},
        {"power": PowerReport(None, 101, None, None)},
        {"power": PowerReport(None, None, None, 256)},
        {"enclosure_is_open": 1},
        {"latitude_e6": 90_000_001},
        {"longitude_e6": -180_000_001},
    ],
    ids=repr,
)
def test_a_heartbeat_out_of_bounds_is_refused(change: dict[str, object]) -> None:
    message = pack_heartbeat(msgspec.structs.replace(HEARTBEAT, **change), KEY)
    with pytest.raises(Malformed):
        unpack_heartbeat(message, KEY.public_key())
