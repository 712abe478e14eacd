"""Masks stand between a bad line and a file: they never raise, and lose no byte."""

from random import Random

import pytest

from drivers.masks.base import MASKS, masks_of
from tests.fuzz.framers import ROWS
from tests.fuzz.garbage import garbage, pieces

BYTES = 200_000
HELD_LIMIT_BYTES = 200_000  # a typed line of the longest length, four events and more a key
TRAFFIC_OF = {"mrz_wedge": "wedge", "e220": "e22", "e32": "e22"}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("side", ["host", "device"])
def test_whatever_comes_is_masked_whole(kind: str, side: str) -> None:
    row, random = ROWS[TRAFFIC_OF.get(kind, kind)], Random(f"{kind} {side}")
    mask = getattr(masks_of(kind), side)
    fed_bytes = masked_bytes = 0
    while fed_bytes < BYTES:
        for piece in pieces(random, garbage(random, row.traffic, row.head)):
            fed_bytes += len(piece)
            masked_bytes += len(mask.feed(piece))
            assert fed_bytes - HELD_LIMIT_BYTES <= masked_bytes <= fed_bytes
        if random.random() < 0.5:
            masked_bytes += len(mask.end())
            assert masked_bytes == fed_bytes
