"""Is what lies in a node's or county's folder whole, private and still valid?"""

import os
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from msgspec import Struct

from drivers.radios.site import RadioSettings
from protocol.keys import decode_identity
from provisioning import broker
from provisioning.checks_badges import check_copies, check_issuers, check_list
from provisioning.checks_law import check_radio_law
from provisioning.checks_machine import check_interface, check_ports, check_serial_device
from provisioning.county import load_county
from provisioning.errors import ProvisioningError
from provisioning.findings import Finding, Text, bad, good, look
from provisioning.layout import (
    DATA,
    GATEWAY_TOML,
    IDENTITY,
    IDENTITY_FILES,
    IDENTITY_SECRETS,
    NODE_IDENTITY,
    REVOKED_BADGES,
    TERMINAL_TOML,
    CountyFolder,
)
from runtime.config import ConfigError, load_config
from runtime.tls import NODE_CERTIFICATE

RENEW_WITHIN = timedelta(days=60)  # two months to get to every township
GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class _Port(Struct, frozen=True):
    port: str


class _Web(Struct, frozen=True):
    port: int = 8080


class _Neighbours(Struct, frozen=True):
    interface: str | None = None


class _Terminal(Struct, frozen=True):
    """The part of `terminal.toml` that can be checked without a terminal."""

    readers: tuple[_Port, ...]
    web: _Web
    gnss: _Port | None = None
    neighbours: _Neighbours = _Neighbours()
    radio: RadioSettings | None = None
    identity: Path = Path(IDENTITY)
    data: Path = Path(DATA)


class _Gateway(Struct, frozen=True):
    """The part of `gateway.toml` that can be checked without a gateway."""

    web: _Web = _Web()
    radio: RadioSettings | None = None
    identity: Path = Path(IDENTITY)
    revocations: Path = Path(REVOKED_BADGES)


def check_terminal(folder: Path, now: datetime, *, with_ports: bool = True) -> Iterator[Finding]:
    """A terminal's folder, on the terminal; `with_ports`: are its serial devices there?"""
    try:
        settings = load_config(folder / TERMINAL_TOML, _Terminal)
    except ConfigError as error:
        yield _unreadable(error)
        return
    yield from check_ports((settings.web.port,))
    for port in (*settings.readers, settings.gnss, settings.radio) if with_ports else ():
        if port is not None and urlsplit(port.port).scheme == "serial":
            yield check_serial_device(Path(urlsplit(port.port).path))
    if settings.neighbours.interface is not None:
        yield check_interface(settings.neighbours.interface)
    yield from check_radio_law(settings.radio, folder)
    identity = folder / settings.identity
    yield from check_identity(identity, now)
    yield from check_list(folder / settings.data / REVOKED_BADGES, identity / NODE_IDENTITY)


def check_gateway(folder: Path, now: datetime) -> Iterator[Finding]:
    """A gateway's folder, on the gateway."""
    try:
        settings = load_config(folder / GATEWAY_TOML, _Gateway)
    except ConfigError as error:
        yield _unreadable(error)
        return
    yield from check_ports((settings.web.port,))
    yield from check_radio_law(settings.radio, folder)
    identity = folder / settings.identity
    yield from check_identity(identity, now)
    yield from check_list(folder / settings.revocations, identity / NODE_IDENTITY)


def check_county(county: CountyFolder, now: datetime) -> Iterator[Finding]:
    """A county's folder: broker, and the gateway unless it has moved away."""
    try:
        settings = load_county(county.folder)
    except (ConfigError, ProvisioningError) as error:
        yield _unreadable(error)
        return
    yield from check_ports((settings.broker.port,))
    yield from _check_secrets(county.authority, tuple(sorted(_names(county.authority, "*.key"))))
    yield from _check_secrets(county.broker, (broker.SERVER_KEY,))
    yield check_certificate(county.broker / broker.SERVER_CERTIFICATE, now)
    yield check_crl(county.broker / broker.CRL, now)
    yield from check_copies(county)
    if (county.gateway / GATEWAY_TOML).exists():
        yield from check_gateway(county.gateway, now)


def check_identity(folder: Path, now: datetime) -> Iterator[Finding]:
    """An identity folder: there, private, genuine, valid."""
    missing = [name for name in IDENTITY_FILES if not (folder / name).is_file()]
    if missing:
        names = " ".join(missing)
        yield bad(
            Text(f"{folder} 缺少 {names}", f"{folder}: {names} missing"),
            Text(
                "把县里制作的整个文件夹重新拷来",
                "Copy the folder made by `muster provision` once more, whole",
            ),
        )
        return
    secrets = list(_check_secrets(folder, IDENTITY_SECRETS))
    yield from secrets
    if all(finding.fix is None for finding in secrets):
        yield from _check_genuine(folder / NODE_IDENTITY)
    yield check_certificate(folder / NODE_CERTIFICATE, now)


def check_certificate(path: Path, now: datetime) -> Finding:
    """How long the first certificate of a chain remains valid."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return _unreadable(error, path)
    days = (certificate.not_valid_after_utc - now).days
    if now < certificate.not_valid_before_utc:
        return bad(
            Text(f"{path.name} 尚未生效", f"{path.name} is not valid yet"),
            Text("请校准本机时钟", "Set this machine's clock"),
        )
    renew = Text("请县级重新签发", "Have the county issue a new one")
    if now > certificate.not_valid_after_utc:
        return bad(Text(f"{path.name} 已过期", f"{path.name} has expired"), renew)
    what = Text(f"{path.name} 还有 {days} 天到期", f"{path.name} is valid for {days} more days")
    if days < RENEW_WITHIN.days:
        return look(what, renew)
    return good(what.zh, what.en)


def check_crl(path: Path, now: datetime) -> Finding:
    """A revocation list the broker can use: a stale or damaged one shuts everybody out."""
    try:
        crl = x509.load_pem_x509_crl(path.read_bytes())
    except (OSError, ValueError) as error:
        return _unreadable(error, path)
    until = crl.next_update_utc
    revoked = len(crl)
    if until is None or until < now:
        return bad(
            Text(
                "吊销列表已过期，所有节点都会被拒绝",
                "The revocation list is stale: all are refused",
            ),
            Text("请县级重新签发吊销列表", "Have the county issue a new list"),
        )
    what = Text(
        f"吊销列表含 {revoked} 项，{(until - now).days} 天内有效",
        f"Revocation list: {revoked} entries, good for {(until - now).days} days",
    )
    if until - now < RENEW_WITHIN:
        return look(what, Text("请尽快重新签发", "Have a new one issued soon"))
    return good(what.zh, what.en)


def nothing_here(folder: Path) -> Finding:
    """A folder that is neither a county's nor a node's."""
    return bad(
        Text(f"{folder} 里没有县、网关或终端", f"{folder} holds no county, gateway or terminal"),
        Text(
            "请指向含 county.toml、gateway.toml 或 terminal.toml 的文件夹",
            "Name the folder of a county.toml, gateway.toml or terminal.toml",
        ),
    )


def _check_secrets(folder: Path, names: tuple[str, ...]) -> Iterator[Finding]:
    for name in names:
        path = folder / name
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            yield _unreadable(error, path)
            continue
        if not os.access(path, os.R_OK):
            yield bad(
                Text(f"{path} 无权读取", f"{path} cannot be read by this user"),
                Text("请用文件属主运行，或改属主", "Run as the file's owner, or change its owner"),
            )
        elif mode & GROUP_AND_OTHERS:
            yield bad(
                Text(
                    f"{path} 其他用户可读（{mode:o}）", f"{path} is open to other users ({mode:o})"
                ),
                Text(f"chmod 600 {path}", f"chmod 600 {path}"),
            )
        else:
            yield good(f"{name} 仅属主可读", f"{name} is private")


def _check_genuine(path: Path) -> Iterator[Finding]:
    try:
        identity = decode_identity(path.read_bytes())
    except (ValueError, OSError) as error:
        yield _unreadable(error, path)
        return
    yield good(
        f"身份：{identity.county} / {identity.node}",
        f"Identity: {identity.county} / {identity.node}",
    )
    yield check_issuers(identity)


def _names(folder: Path, pattern: str) -> Iterator[str]:
    return (path.name for path in folder.glob(pattern))


def _unreadable(error: Exception, path: Path | None = None) -> Finding:
    # Only a settings error is quoted: it names file and key. Others might quote a secret.
    shown = str(error) if path is None else f"{path}: {type(error).__name__}"
    return bad(
        Text(f"无法读取：{shown}", f"Cannot be read: {shown}"),
        Text("请修正该文件，或重新拷贝", "Correct the file, or copy it once more"),
    )
