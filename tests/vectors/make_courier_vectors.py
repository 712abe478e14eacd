"""Makes courier.json: courier files and codes (docs/wire-format.md section 14).

    python -m tests.vectors.make_courier_vectors

The same rules as in `make_vectors` hold. The messages are those of statements.json.
"""

from protocol.courier import (
    CourierHead,
    CourierKind,
    CourierMessage,
    Direction,
    pack_courier,
    unpack_courier,
)
from protocol.fragments import split
from tests.vectors.make_vectors import AT_MS, COUNTY, EPOCH, NODE, WARNING, Json, load, save

FIRST_SEQ, LAST_SEQ = 41, 45  # of the envelope in statements.json
UP = CourierHead(Direction.UP, COUNTY, NODE, EPOCH, FIRST_SEQ, LAST_SEQ, 0)
DOWN = CourierHead(Direction.DOWN, COUNTY, NODE, 0, 0, 0, AT_MS)
MESSAGES = {
    "up": [(CourierKind.ENVELOPE, "envelope")],
    "down": [
        (CourierKind.REFUSAL, "refusal"),
        (CourierKind.RECEIPT, "receipt"),
        (CourierKind.ACTIVATION, "activation"),
        (CourierKind.ROSTER, "roster part"),
        (CourierKind.REVOCATIONS, "revocations"),
    ],
}


def build() -> Json:
    """The content of courier.json."""
    files = {
        name: pack_courier(head, _messages(name)) for name, head in (("up", UP), ("down", DOWN))
    }
    down = files["down"]
    spoilt = down.replace(_messages("down")[1].message, bytes(len(_messages("down")[1].message)))
    return {
        "warning": WARNING,
        "files": [
            {
                "direction": name,
                "name": head.name,
                "head": list(_fields(head)),
                "messages": [[int(kind), statement] for kind, statement in MESSAGES[name]],
                "file": files[name].hex(),
            }
            for name, head in (("up", UP), ("down", DOWN))
        ],
        "torn": [
            _torn("cut behind the first message", down[: down.index(_messages("down")[1].message)]),
            _torn("cut within the last message", down[:-60]),
            _torn("without its digest", down[:-32]),
            _torn("one message spoilt", spoilt),
            _torn("something behind the end", down + b"\0"),
        ],
        "codes": split(files["up"]),
    }


def _messages(name: str) -> list[CourierMessage]:
    statements = {each["name"]: each["message"] for each in load("statements.json")["statements"]}
    return [
        CourierMessage(kind, bytes.fromhex(statements[statement]))
        for kind, statement in MESSAGES[name]
    ]


def _fields(head: CourierHead) -> tuple[object, ...]:
    return tuple(getattr(head, field) for field in head.__struct_fields__)


def _torn(name: str, data: bytes) -> Json:
    kinds = [int(each.kind) for each in unpack_courier(data).messages]
    return {"name": name, "file": data.hex(), "whole": kinds}


if __name__ == "__main__":
    save("courier.json", build())
