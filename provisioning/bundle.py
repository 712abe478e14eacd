"""Makes the folder of a county, and of each terminal in it. What lies where: `layout`.

A folder appears whole or not at all, and one that exists is never written into.
"""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from protocol.keys import GATEWAY_RADIO_ADDRESS, Role
from provisioning import broker
from provisioning.authority import (
    COUNTY_KEY_BYTES,
    RADIO_KEY_BYTES,
    Authority,
    create_authority,
    open_authority,
)
from provisioning.county import (
    county_of,
    county_toml,
    gateway_toml,
    load_county,
    terminal_toml,
)
from provisioning.errors import AlreadyThere, BadPlan
from provisioning.layout import COUNTY_TOML, GATEWAY_TOML, IDENTITY, TERMINAL_TOML, CountyFolder
from provisioning.node_identity import NodeIdentity, create_node, save_node
from provisioning.plans import CountyPlan, TerminalPlan
from provisioning.radio_addresses import assign_address
from provisioning.vault import load_authority, save_authority
from runtime.files import SECRET_MODE, write_atomic
from runtime.release import RELEASED

PRIVATE_MODE = 0o700
SHARED_MODE = 0o755  # the broker's user must be able to reach its folder
FIRST_CRL_NUMBER = 1


def create_county(folder: Path, plan: CountyPlan, now: datetime) -> None:
    """Make a county: authority, broker, gateway.

    Raises `ProvisioningError`, `ProtocolError` for a bad name, `OSError` from the disk.
    """
    plan.check()
    check_clock(now)
    folder = folder.absolute()
    if folder.exists():
        raise AlreadyThere(f"{folder} exists; a county needs a new folder")
    root_key, files = create_authority(
        plan.name, secrets.token_bytes(COUNTY_KEY_BYTES), secrets.token_bytes(RADIO_KEY_BYTES), now
    )
    authority = open_authority(files)
    gateway = create_node(
        authority,
        county=plan.name,
        node=plan.gateway,
        role=Role.GATEWAY,
        point="",
        peers=(),
        radio_address=GATEWAY_RADIO_ADDRESS,
        now=now,
    )
    with _appearing_whole(folder, SHARED_MODE) as building:
        paths = CountyFolder(building)
        paths.authority.mkdir(PRIVATE_MODE)
        save_authority(paths.authority, root_key, files)
        write_atomic(paths.gateway_enrolment, gateway.enrolment)
        _write_node(paths.gateway, gateway, GATEWAY_TOML, gateway_toml(county_of(plan), plan))
        paths.enrolments.mkdir(PRIVATE_MODE)
        _write_broker(paths.broker, CountyFolder(folder).broker, authority, plan, now)
        write_atomic(paths.county_toml, county_toml(county_of(plan)))


def create_terminal(folder: Path, plan: TerminalPlan, now: datetime) -> Path:
    """Make a terminal of the county in `folder` and enrol it; returns the terminal's folder.

    Raises as `create_county`, and `ConfigError` for a damaged `county.toml`.
    """
    plan.check()
    check_clock(now)
    paths = CountyFolder(folder.absolute())
    county = load_county(paths.folder)
    target = paths.terminal(plan.name)
    if target.exists() or plan.name == county.gateway:
        raise AlreadyThere(f"there is a node {plan.name!r} already; choose another name")
    if plan.point not in {point.name for point in county.points}:
        names = ", ".join(point.name for point in county.points)
        raise BadPlan(f"no assembly point {plan.point!r}; {COUNTY_TOML} has: {names}")
    terminal = create_node(
        load_authority(paths.authority),
        county=county.county,
        node=plan.name,
        role=Role.TERMINAL,
        point=plan.point,
        peers=(paths.gateway_enrolment.read_bytes(),),
        radio_address=assign_address(paths.radio_addresses, plan.name),
        now=now,
    )
    with _appearing_whole(target, PRIVATE_MODE) as building:
        _write_node(building, terminal, TERMINAL_TOML, terminal_toml(county, plan))
        # The gateway's half first: an enrolment without a terminal is harmless and replaced by the
        # next attempt; a terminal unknown to the gateway would be neither.
        paths.enrolments.mkdir(PRIVATE_MODE, parents=True, exist_ok=True)
        write_atomic(paths.enrolment(plan.name), terminal.enrolment)
    return target


@contextmanager
def _appearing_whole(target: Path, mode: int) -> Iterator[Path]:
    """A folder to fill; it becomes `target` on success and vanishes on failure."""
    target.parent.mkdir(SHARED_MODE, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as name:
        building = Path(name) / target.name
        building.mkdir()
        yield building
        building.chmod(mode)
        building.rename(target)


def check_clock(now: datetime) -> None:
    """Raise `BadPlan` while this machine's clock is certainly wrong."""
    if now < RELEASED:
        raise BadPlan(f"this machine's clock says {now:%Y-%m-%d}; set it first")


def _write_node(folder: Path, node: NodeIdentity, settings_name: str, settings: bytes) -> None:
    folder.mkdir(PRIVATE_MODE, exist_ok=True)
    (folder / IDENTITY).mkdir(PRIVATE_MODE)
    save_node(folder / IDENTITY, node)
    write_atomic(folder / settings_name, settings)


def _write_broker(
    folder: Path, final: Path, authority: Authority, plan: CountyPlan, now: datetime
) -> None:
    folder.mkdir(PRIVATE_MODE)
    server = authority.issue_server(plan.name, plan.broker_hosts, now)
    config = broker.broker_config(
        broker.BrokerPlan(final, plan.broker_owner, plan.broker_hosts, plan.broker_port)
    )
    crl = authority.revocation_list((), FIRST_CRL_NUMBER, now)
    write_atomic(folder / broker.MOSQUITTO_CONF, config.encode())
    write_atomic(folder / broker.ACL, broker.access_list(plan.name, plan.gateway).encode())
    write_atomic(folder / broker.CA, authority.trust_pem)
    write_atomic(folder / broker.SERVER_CERTIFICATE, server.chain_pem)
    write_atomic(folder / broker.SERVER_KEY, server.key_pem, mode=SECRET_MODE)
    write_atomic(folder / broker.CRL, crl)
    if plan.broker_user is not None:
        _give_to(folder, plan.broker_user)


def _give_to(folder: Path, user: str) -> None:
    for path in (folder, *folder.iterdir()):
        try:
            shutil.chown(path, user)
        except LookupError as error:
            raise BadPlan(f"there is no user {user!r} on this machine") from error
        except PermissionError as error:
            raise BadPlan(f"only root can give the broker's files to {user!r}") from error
