"""Makes neighbours.json, the golden vectors of docs/wire-format.md section 15.

    python -m tests.vectors.make_neighbour_vectors

Run it by hand, and only when the wire format changes on purpose. All bytes are hexadecimal.
"""

from typing import Any

from protocol.frames import FrameSealer
from protocol.neighbours import (
    NO_ROSTER,
    PeerKind,
    Sighting,
    Told,
    digest_mark,
    pack_told,
    point_mark,
)
from protocol.radio_keys import Direction, link_key
from tests.vectors.make_radio_vectors import GROUP_KEY, ORDER
from tests.vectors.make_vectors import DIGEST, EPOCH, WARNING, save

Json = dict[str, Any]  # any JSON object: vectors have as many shapes as the wire

POINT, ADDRESS, COUNTER = "qingshui", 3, 0x1_000_007
STRANGER = digest_mark(DIGEST)
CONTENTS: dict[str, Told] = {
    "there, and nothing to tell": Told(point_mark(POINT), 1, NO_ROSTER, 0),
    "by place": Told(
        point_mark(POINT), 2, ORDER.fingerprint, 7,
        (Sighting(0, 3), Sighting(59, 3), Sighting(31, 44, is_taken_back=True), Sighting(32, 5000)),
    ),
    "by digest": Told(
        point_mark(POINT), 99, ORDER.fingerprint, 300,
        (Sighting(STRANGER, 0), Sighting(5, 129), Sighting(STRANGER, 130, is_taken_back=True)),
    ),
}  # fmt: skip


def build() -> Json:
    """The whole file."""
    key = link_key(GROUP_KEY, Direction.PEER, ADDRESS, EPOCH)
    sealer = FrameSealer(key)
    return {
        "note": WARNING,
        "point": POINT,
        "group_radio_key": GROUP_KEY.hex(),
        "address": ADDRESS,
        "epoch": EPOCH,
        "frames": [
            _frame(sealer, name, told, COUNTER + place)
            for place, (name, told) in enumerate(CONTENTS.items())
        ],
    }


def _frame(sealer: FrameSealer, name: str, told: Told, counter: int) -> Json:
    content, _ = pack_told(told, limit_bytes=255)
    return {
        "name": name,
        "lane": told.lane,
        "roster": told.roster.hex(),
        "activation": told.activation,
        "sightings": [
            {
                "place" if isinstance(each.who, int) else "digest": each.who
                if isinstance(each.who, int)
                else each.who.hex(),
                "age_s": each.age_s,
                "is_taken_back": each.is_taken_back,
            }
            for each in told.sightings
        ],
        "content": content.hex(),
        "counter": counter,
        "frame": sealer.seal(PeerKind.SIGHTINGS, counter, content, names_epoch=True).hex(),
    }


if __name__ == "__main__":
    save("neighbours.json", build())
