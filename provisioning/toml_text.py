"""TOML, written: the few shapes our configuration files have."""

import json
from collections.abc import Mapping, Sequence

from provisioning.errors import BadPlan

Scalar = str | int | float
Value = Scalar | Sequence[Scalar]
Table = Mapping[str, Value]


def encode_toml(
    header: str, root: Table, tables: Mapping[str, Table | Sequence[Table]] | None = None
) -> bytes:
    """A file of `header` comments, top-level keys, and tables (`[x]`) or lists of them (`[[x]]`).

    Raises `BadPlan` for text that is not printable.
    """
    lines = [f"# {line}" for line in header.splitlines()]
    lines += _pairs(root)
    for name, content in (tables or {}).items():
        if isinstance(content, Mapping):
            lines += ["", f"[{name}]", *_pairs(content)]
        else:
            for table in content:
                lines += ["", f"[[{name}]]", *_pairs(table)]
    return ("\n".join(lines) + "\n").encode()


def _pairs(table: Table) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value: Value) -> str:
    if isinstance(value, str):
        if not value.isprintable():
            raise BadPlan(f"{value!r} holds characters that cannot be printed")
        return json.dumps(value, ensure_ascii=False)  # printable: JSON's escapes are TOML's
    if isinstance(value, int | float):
        return str(value)
    return f"[{', '.join(_value(item) for item in value)}]"
