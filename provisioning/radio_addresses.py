"""Who has which short address on the county's radio: `authority/radio.addresses`.

A line `ADDRESS NAME` for each terminal ever made. An address is never given to another name: a lost
terminal's would else come back as a neighbour's.
"""

from pathlib import Path

from protocol.keys import GATEWAY_RADIO_ADDRESS
from protocol.radio_keys import MAX_ADDRESS
from provisioning.errors import BadPlan, NoSuchCounty
from runtime.files import SECRET_MODE, write_atomic


def assign_address(path: Path, node: str) -> int:
    """The address of a terminal, its old one if it had one; written down before it returns.

    Raises `BadPlan` when all are taken, `NoSuchCounty` for a damaged file, `OSError`.
    """
    addresses = load_addresses(path)
    if node in addresses:
        return addresses[node]
    address = max(addresses.values(), default=GATEWAY_RADIO_ADDRESS) + 1
    if address > MAX_ADDRESS:
        raise BadPlan(f"all {MAX_ADDRESS} radio addresses of this county are taken")
    lines = "".join(f"{taken} {name}\n" for name, taken in {**addresses, node: address}.items())
    write_atomic(path, lines.encode(), mode=SECRET_MODE)
    return address


def load_addresses(path: Path) -> dict[str, int]:
    """Every terminal's address, by its name. Raises `NoSuchCounty` for a damaged file."""
    if not path.exists():
        return {}
    addresses: dict[str, int] = {}
    for line in path.read_text("ascii", "replace").splitlines():
        number, _, name = line.partition(" ")
        if not (number.isdecimal() and name) or name in addresses:
            raise NoSuchCounty(f"{path} is damaged: {line!r}")
        addresses[name] = int(number)
    if len(set(addresses.values())) < len(addresses):
        raise NoSuchCounty(f"{path} is damaged: an address is given twice")
    return addresses
