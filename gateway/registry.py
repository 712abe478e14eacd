"""Who belongs to the county: enrolments in a folder, each vouched for by the authority."""

import logging
from collections.abc import Iterator
from pathlib import Path

from protocol.errors import ProtocolError
from protocol.ids import parse_name
from protocol.keys import Identity, Peer, Role, verify_enrolment

log = logging.getLogger(__name__)

SUFFIX = ".enrolment"


class Registry:
    """The terminals of one county. A new file is found when its node first speaks."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder, self._identity = folder, identity
        self._peers: dict[str, Peer] = {}
        self.rescan()

    def rescan(self) -> bool:
        """Read files that are new; returns whether there were any."""
        before = len(self._peers)
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            self._load(path)
        return len(self._peers) > before

    def find(self, node: str) -> Peer | None:
        """The terminal of this name, if the authority vouches for it."""
        if node not in self._peers:
            try:
                self._load(self._folder / f"{parse_name(node)}{SUFFIX}")
            except ProtocolError:
                return None
        return self._peers.get(node)

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._peers.values()))

    def _load(self, path: Path) -> None:
        if path.stem in self._peers or not path.is_file():
            return
        try:
            peer = verify_enrolment(self._identity.authority, path.read_bytes())
        except ProtocolError as error:
            log.warning("enrolment file refused: %s", error, extra={"file": path.name})
            return
        enrolment = peer.enrolment
        expected = (self._identity.county, path.stem, Role.TERMINAL)
        if (enrolment.county, enrolment.node, enrolment.role) != expected:
            log.warning("enrolment file is for somebody else", extra={"file": path.name})
            return
        self._peers[path.stem] = peer
