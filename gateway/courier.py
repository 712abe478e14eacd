"""The county's end of a courier's way, beside a gateway that may be running.

It hands files to the running gateway and never writes the ledger. What it reads there is committed,
so it may promise it: the receipts it signs are those that the gateway would send.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway.intake import signed_receipt
from gateway.links.courier import INBOX, OUTBOX, Answer
from gateway.registry import Registry
from gateway.revocations import RevocationFile
from gateway.running import points_of, running_activation
from gateway.settings import GatewaySettings, load_identity
from gateway.store.base import Stream
from gateway.store.rosters import RosterStore
from gateway.store.sqlite import DATABASE, SqliteLedger
from protocol.courier import (
    CourierFile,
    CourierHead,
    CourierKind,
    CourierMessage,
    Direction,
    pack_courier,
)
from protocol.downlink import Activation, encode_content, pack_downlink
from protocol.keys import Peer
from protocol.roster import Roster
from runtime.clock import SystemClock, TimeFloor
from runtime.config import load_config
from runtime.database import DatabaseError
from runtime.locks import holder_of
from runtime.spool import Spool


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes to one terminal, as the bytes of a file."""

    head: CourierHead
    data: bytes = field(repr=False)
    receipts: int
    """One for each outbox the county knows of that terminal."""
    roster_version: int
    """0 without a roster."""


@dataclass(frozen=True, slots=True)
class _News:
    """What is told to every terminal, and what the ledger holds of each."""

    now_ms: int
    streams: Sequence[Stream]
    roster: Roster
    activation: Activation | None
    revocations: bytes | None


class CountyEnd:
    """The gateway whose configuration this is.

    Raises `ConfigError`, `ProtocolError`.
    """

    def __init__(self, config: Path) -> None:
        self._settings = settings = load_config(config, GatewaySettings)
        self._base = config.parent
        self._identity = load_identity(config, settings)
        self.county = self._identity.county
        self.data = config.parent / settings.data

    @property
    def is_running(self) -> bool:
        """Whether a process has the ledger open, as far as this machine tells."""
        return holder_of(self.data / f"{DATABASE}-shm") is not None

    def submit(self, file: CourierFile) -> Path:
        """Hand what is whole in a file to the gateway; what to ask `answer` for. Raises `OSError`.

        It is durable then: a gateway that is not running admits it when it starts.
        """
        return Spool(self.data / INBOX).put(file.head.name, pack_courier(file.head, file.messages))

    def answer(self, submitted: Path) -> Answer | None:
        """What the gateway said to a file, once; `None` as long as it has not. Raises `OSError`."""
        path = self.data / OUTBOX / submitted.name
        if not path.exists():
            return None
        answer = msgspec.msgpack.decode(path.read_bytes(), type=Answer)
        path.unlink()
        return answer

    def nodes(self) -> list[str]:
        """The terminals of the county."""
        return [peer.enrolment.node for peer in self._registry()]

    def bundles(
        self,
        nodes: Sequence[str],
        refusals: Mapping[str, Sequence[bytes]],
        *,
        with_roster: bool = True,
    ) -> Iterator[Bundle]:
        """A file for each of these terminals: receipts, activation, roster, revoked badges.

        `refusals` by node. Raises `DatabaseError` before the gateway was ever started.
        """
        news = self._news()
        for peer in self._registry():
            if peer.enrolment.node in nodes:
                yield self._bundle(
                    peer, news, refusals.get(peer.enrolment.node, ()), with_roster=with_roster
                )

    def _registry(self) -> Registry:
        return Registry(self._base / self._settings.enrolments, self._identity)

    def _news(self) -> _News:
        path = self.data / DATABASE
        if not path.exists():  # opening it would make an empty one
            raise DatabaseError(f"{path}: there is no ledger")
        revoked = RevocationFile(self._base / self._settings.revocations, self._identity)
        with closing(SqliteLedger(path)) as ledger, closing(RosterStore(path)) as rosters:
            return _News(
                SystemClock(TimeFloor(self.data / "time-floor")).read().wall_ms,
                ledger.streams(),
                rosters.load(points_of(self._settings)),
                running_activation(rosters, self._settings),
                revoked.message,
            )

    def _bundle(
        self, peer: Peer, news: _News, refusals: Sequence[bytes], *, with_roster: bool
    ) -> Bundle:
        identity, node = self._identity, peer.enrolment.node
        receipts = [
            signed_receipt(identity, stream, news.now_ms)
            for stream in news.streams
            if stream.node == node
        ]
        roster = news.roster.split() if with_roster and news.roster.version else []
        contents = [(CourierKind.ROSTER, encode_content(part)) for part in roster]
        if news.activation is not None:
            contents.insert(0, (CourierKind.ACTIVATION, encode_content(news.activation)))
        messages = [
            *(CourierMessage(CourierKind.REFUSAL, message) for message in refusals),
            *(CourierMessage(CourierKind.RECEIPT, message) for message in receipts),
            *(
                CourierMessage(
                    kind, pack_downlink(content, identity.county, peer, identity.signing_key)
                )
                for kind, content in contents
            ),
        ]
        if news.revocations is not None and with_roster:
            messages.append(CourierMessage(CourierKind.REVOCATIONS, news.revocations))
        head = CourierHead(Direction.DOWN, identity.county, node, 0, 0, 0, news.now_ms)
        version = news.roster.version if roster else 0
        return Bundle(head, pack_courier(head, messages), len(receipts), version)
