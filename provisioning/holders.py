"""Who shall get a badge: the people of a roster file, or some of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from drivers.readers.resident_card import id_number_is_valid, number_on_card
from protocol.keys import credential_digest
from provisioning.errors import BadPlan
from runtime.table import BadRow, Table, TableRow

REQUIRED = ("id_number", "name", "unit")


@dataclass(frozen=True, slots=True)
class Holder:
    """A person as the badge knows them, and as its paper names them."""

    digest: bytes = field(repr=False)
    name: str = field(repr=False)
    unit: str
    post: str


def read_holders(data: bytes, county_key: bytes) -> tuple[list[Holder], list[BadRow]]:
    """The people of a roster file, each once, and the rows that were left out.

    Raises `TableError` for a file that is none.
    """
    table = Table(data, REQUIRED)
    holders: dict[bytes, Holder] = {}
    for row in table.rows():
        problem = _problem(row)
        if problem is not None:
            table.refuse(row, problem)
            continue
        holder = _holder(row.cells, county_key)
        holders.setdefault(holder.digest, holder)
    return list(holders.values()), table.bad


def chosen(holders: Sequence[Holder], only: Collection[str]) -> list[Holder]:
    """Those whose name or unit is among `only`; all without any. Raises `BadPlan` for nobody."""
    if not only:
        return list(holders)
    for text in only:
        if not any(text in (holder.name, holder.unit) for holder in holders):
            raise BadPlan(f"nobody in this file has the name or unit {text!r}")
    return [holder for holder in holders if holder.name in only or holder.unit in only]


def _problem(row: TableRow) -> str | None:
    for name in REQUIRED:
        if not row.cells[name]:
            return f"{name}: empty"
    if not id_number_is_valid(row.cells["id_number"].upper()):
        return "id_number: check digit or length is wrong"
    return None


def _holder(cells: Mapping[str, str], county_key: bytes) -> Holder:
    digest = credential_digest(county_key, number_on_card(cells["id_number"]))
    return Holder(digest, cells["name"], cells["unit"], cells.get("post", ""))
