"""Does a node know whose badges to believe, and which of them are revoked?"""

from collections.abc import Iterator
from pathlib import Path

from protocol.errors import ProtocolError
from protocol.keys import Identity, decode_identity
from protocol.revocations import unpack_revocations
from provisioning.findings import Finding, Text, bad, good, look
from provisioning.layout import CountyFolder


def check_issuers(identity: Identity) -> Finding:
    """Whether any badge can be believed here."""
    count = len(identity.badge_issuers)
    if count:
        return good(f"集结证签发公钥 {count} 个", f"Badge issuers known: {count}")
    return look(
        Text("没有集结证签发公钥：不认任何集结证", "No badge issuer known: no badge is believed"),
        Text("请县级重新制作本机文件夹", "Have the county make this node's folder anew"),
    )


def check_list(path: Path, node_identity: Path) -> Iterator[Finding]:
    """A node's list of revoked badges, if it has one. A bad identity is reported elsewhere."""
    try:
        identity = decode_identity(node_identity.read_bytes())
        message = path.read_bytes()
    except (ValueError, OSError):
        return
    try:
        held = unpack_revocations(message, identity.county, identity.badge_issuers)
    except ProtocolError:
        yield bad(
            Text(f"{path} 不是本县的作废名单", f"{path}: not this county's list of revoked badges"),
            Text("从县里重新拷贝，或删除该文件", "Copy it from the county again, or delete it"),
        )
        return
    count, version = len(held.badge_ids), held.version
    yield good(
        f"集结证作废名单第 {version} 版，{count} 张",
        f"Revoked badges: list version {version}, {count} badges",
    )


def check_copies(county: CountyFolder) -> Iterator[Finding]:
    """Whether the gateway beside the authority has the authority's list."""
    if not (county.revoked_badges.exists() and county.gateway.exists()):
        return
    theirs = county.gateway_revoked_badges
    if not theirs.exists() or theirs.read_bytes() != county.revoked_badges.read_bytes():
        yield bad(
            Text("网关的集结证作废名单与县里的不同", "The gateway has another list"),
            Text(f"cp {county.revoked_badges} {theirs}", f"cp {county.revoked_badges} {theirs}"),
        )
