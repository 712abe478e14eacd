"""Who belongs to the county: enrolments in a folder, each vouched for by the authority."""

import logging
from collections.abc import Iterator
from pathlib import Path

from protocol.errors import Malformed, ProtocolError
from protocol.ids import parse_name
from protocol.keys import Identity, Peer, Role, verify_enrolment

log = logging.getLogger(__name__)

SUFFIX = ".enrolment"

_FileState = tuple[int, int]
"""Time of the last change in nanoseconds, and size in bytes."""


class Registry:
    """The terminals of one county. A new file is found when its node first speaks."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder, self._identity = folder, identity
        self._peers: dict[str, Peer] = {}
        self._refused: dict[str, _FileState] = {}
        """Files that were refused, as they were then: said once, tried again when they change."""
        self._reported = 0
        self.rescan()

    def rescan(self) -> bool:
        """Read files that are new; returns whether there are terminals not reported before.

        A terminal may have been found by `find` in the meantime: it is news all the same.
        """
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            self._load(path)
        known, before = len(self._peers), self._reported
        self._reported = known
        return known > before

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
        if path.stem in self._peers:
            return
        try:
            status = path.stat()
        except FileNotFoundError:
            return
        state = (status.st_mtime_ns, status.st_size)
        if self._refused.get(path.stem) == state:
            return
        try:
            self._peers[path.stem] = self._verified(path)
        except (ProtocolError, OSError) as error:
            self._refused[path.stem] = state
            log.warning("enrolment file refused: %s", error, extra={"file": path.name})

    def _verified(self, path: Path) -> Peer:
        peer = verify_enrolment(self._identity.authority, path.read_bytes())
        enrolment = peer.enrolment
        expected = (self._identity.county, path.stem, Role.TERMINAL)
        if (enrolment.county, enrolment.node, enrolment.role) != expected:
            raise Malformed("it is somebody else's")
        return peer
