"""The county's end: what a courier brought is admitted, what goes back is what MQTT would bring."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli import take_roster
from gateway.courier import Bundle, CountyEnd
from gateway.intake import Admitted, Incoming, Reply
from gateway.links.courier import MAX_BYTES_PER_COMMIT, Answer, CourierInbox
from gateway.running import running_activation, start_activation
from gateway.settings import GatewaySettings
from gateway.store.base import NewRun, StoreError
from gateway.store.rosters import RosterStore
from gateway.store.sqlite import DATABASE, SqliteLedger
from protocol.courier import (
    CourierFile,
    CourierHead,
    CourierKind,
    CourierMessage,
    Direction,
    unpack_courier,
)
from protocol.downlink import Activation, unpack_downlink
from protocol.keys import Identity, decode_identity
from protocol.receipts import unpack_receipt
from protocol.roster import RosterPart
from provisioning.bundle import create_county, create_terminal
from provisioning.layout import GATEWAY_TOML, IDENTITY, NODE_IDENTITY, CountyFolder
from provisioning.plans import CountyPlan, TerminalPlan
from runtime.config import load_config
from runtime.database import DatabaseError
from tests.inline_threads import use_inline_threads
from tests.musters import NAMES, NUMBERS
from tests.parties import NOW_MS

HEAD = CourierHead(Direction.UP, "demo", "t1", 7, 1, 9, 0)
TURNS = 50  # of the event loop: more than one look takes
ROSTER = f"id_number,name,unit,point\n{NUMBERS[0]},{NAMES[0]},一排,town-hall\n"


def file_of(*messages: bytes) -> CourierFile:
    carried = [CourierMessage(CourierKind.ENVELOPE, each) for each in messages]
    return CourierFile(HEAD, carried, is_whole=True)


class Rig:
    """A county with one terminal, its gateway's folder, and an intake that only counts."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        self.paths = CountyFolder(folder / "county")
        create_county(self.paths.folder, CountyPlan(), now)
        terminal = create_terminal(self.paths.folder, TerminalPlan("t1", "town-hall"), now)
        self.terminal = decode_identity((terminal / IDENTITY / NODE_IDENTITY).read_bytes())
        self.config = self.paths.gateway / GATEWAY_TOML
        self.end = CountyEnd(self.config)
        self.end.data.mkdir()
        self.batches: list[list[Incoming]] = []
        self.fails = False

    @property
    def gateway(self) -> Identity:
        return decode_identity((self.paths.gateway / IDENTITY / NODE_IDENTITY).read_bytes())

    async def admit(self, incoming: Sequence[Incoming]) -> Admitted:
        if self.fails:
            raise StoreError("the disk is full")
        self.batches.append(list(incoming))
        replies = [Reply("t1", b"receipt", is_receipt=True), Reply("t1", b"no", is_receipt=False)]
        return Admitted(replies, stored=len(incoming), duplicates=2, quarantined=1)

    def look(self) -> None:
        async def look() -> None:
            use_inline_threads()
            running = asyncio.create_task(CourierInbox(self.end.data, self.admit).run())
            for _ in range(TURNS):
                await asyncio.sleep(0)
            running.cancel()

        asyncio.run(look())

    def start_muster(self) -> None:
        """What a gateway does when it starts."""
        store = RosterStore(self.end.data / DATABASE)
        start_activation(store, load_config(self.config, GatewaySettings), NOW_MS)
        store.close()

    def store(self, count: int) -> None:
        """Records in the ledger, by whatever way they came."""
        ledger = SqliteLedger(self.end.data / DATABASE)
        stream = ledger.new_stream("t1", 7)
        stream.stored.add(1, count)
        run = NewRun(stream, 1, [b"body %d" % number for number in range(count)])
        ledger.commit([run], [stream], [], NOW_MS)
        ledger.close()

    def bundle(self, *refusals: bytes, with_roster: bool = True) -> tuple[Bundle, CourierFile]:
        (made,) = self.end.bundles(["t1"], {"t1": refusals}, with_roster=with_roster)
        file = unpack_courier(made.data)
        assert file.is_whole
        return made, file


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def messages_of(file: CourierFile, kind: CourierKind) -> list[bytes]:
    return [each.message for each in file.messages if each.kind is kind]


def test_what_was_handed_over_is_admitted_and_answered_once(rig: Rig) -> None:
    submitted = rig.end.submit(file_of(b"one", b"two"))
    assert rig.end.answer(submitted) is None
    rig.look()
    assert rig.batches == [[Incoming("t1", b"one"), Incoming("t1", b"two")]]
    assert rig.end.answer(submitted) == Answer(2, 2, 1, (b"no",))
    assert rig.end.answer(submitted) is None
    assert not submitted.exists()
    rig.look()
    assert len(rig.batches) == 1


def test_a_long_file_is_admitted_a_commit_at_a_time(rig: Rig) -> None:
    half = bytes(MAX_BYTES_PER_COMMIT // 2)
    submitted = rig.end.submit(file_of(half, half, half))
    rig.look()
    assert [len(batch) for batch in rig.batches] == [2, 1]
    assert rig.end.answer(submitted) == Answer(3, 4, 2, (b"no", b"no"))


def test_only_envelopes_go_up(rig: Rig) -> None:
    receipt = CourierMessage(CourierKind.RECEIPT, b"receipt")
    submitted = rig.end.submit(CourierFile(HEAD, [receipt], is_whole=True))
    rig.look()
    assert rig.batches == []
    assert rig.end.answer(submitted) == Answer(0, 0, 0, ())


def test_a_file_waits_while_the_ledger_cannot_be_written(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.fails = True
    submitted = rig.end.submit(file_of(b"one"))
    rig.look()
    assert "the disk is full" in caplog.text
    assert rig.end.answer(submitted) is None
    rig.fails = False
    rig.look()
    assert rig.end.answer(submitted) == Answer(1, 2, 1, (b"no",))


def test_what_means_nothing_is_set_aside(rig: Rig) -> None:
    submitted = rig.end.submit(file_of(b"one"))
    submitted.write_bytes(b"garbage")
    rig.look()
    assert rig.batches == []
    assert not submitted.exists()
    assert [each.read_bytes() for each in submitted.parent.iterdir()] == [b"garbage"]


def test_a_terminal_gets_what_mqtt_would_bring(rig: Rig) -> None:
    take_roster(rig.config, ROSTER.encode())
    rig.start_muster()
    rig.store(5)
    made, file = rig.bundle(b"refusal")
    head = made.head
    assert (head.direction, head.county, head.node) == (Direction.DOWN, rig.end.county, "t1")
    assert (made.receipts, made.roster_version) == (1, 1)
    key, node = rig.gateway.signing_key.public_key(), rig.terminal.node
    (receipt,) = messages_of(file, CourierKind.RECEIPT)
    assert unpack_receipt(receipt, key).upto == 5
    opening = rig.terminal.opening_key
    (activation,) = messages_of(file, CourierKind.ACTIVATION)
    assert unpack_downlink(activation, Activation, key, node, opening).number == 1
    (part,) = messages_of(file, CourierKind.ROSTER)
    assert len(unpack_downlink(part, RosterPart, key, node, opening).people) == 1
    assert messages_of(file, CourierKind.REFUSAL) == [b"refusal"]


def test_codes_leave_the_roster_out(rig: Rig) -> None:
    take_roster(rig.config, ROSTER.encode())
    rig.store(5)
    made, file = rig.bundle(with_roster=False)
    assert made.roster_version == 0
    assert {each.kind for each in file.messages} == {CourierKind.RECEIPT}


def test_only_a_gateway_begins_a_muster(rig: Rig) -> None:
    rig.store(1)
    _, file = rig.bundle()
    assert messages_of(file, CourierKind.ACTIVATION) == []
    store = RosterStore(rig.end.data / DATABASE)
    assert running_activation(store, load_config(rig.config, GatewaySettings)) is None
    store.close()


def test_a_county_that_never_ran_has_nothing_to_promise(rig: Rig) -> None:
    with pytest.raises(DatabaseError, match="no ledger"):
        rig.bundle()


def test_terminals_are_known_by_name(rig: Rig) -> None:
    rig.store(1)
    assert rig.end.nodes() == ["t1"]
    assert list(rig.end.bundles(["t2"], {})) == []
