"""`muster courier` without a running program at either end: words, files, codes, exit codes."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from courier import at_county, at_terminal
from courier.words import courier_words
from gateway.courier import CountyEnd
from gateway.links.courier import Answer
from gateway.store.sqlite import DATABASE, SqliteLedger
from muster import main
from protocol.courier import (
    CourierHead,
    CourierKind,
    CourierMessage,
    Direction,
    pack_courier,
    unpack_courier,
)
from protocol.fragments import Gatherer, parse_fragment, split
from protocol.keys import decode_identity
from protocol.sequences import SeqSet
from provisioning.bundle import create_county, create_terminal
from provisioning.layout import (
    GATEWAY_TOML,
    IDENTITY,
    NODE_IDENTITY,
    TERMINAL_TOML,
    CountyFolder,
)
from provisioning.plans import CountyPlan, TerminalPlan
from runtime.database import DatabaseError
from runtime.stick import StickFull, write_to_stick
from terminal.carried import CarriedOutbox
from terminal.outbox import OUTBOX, Outbox
from tests.outboxes import EVERYTHING, receipt
from tests.parties import NOW_MS
from tests.quick_disk import quick_disk

ROOT = Path(__file__).parents[2]
RECORDS = 7
NODE = "t1"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("courier") / "county"
    create_county(folder, CountyPlan(), datetime.now(UTC))
    create_terminal(folder, TerminalPlan(NODE, "town-hall"), datetime.now(UTC))
    return folder


class Rig:
    """A terminal on which records wait, a county, and a stick; nothing is running."""

    def __init__(self, folder: Path) -> None:
        self.paths = CountyFolder(folder / "county")
        self.terminal = self.paths.terminal(NODE)
        self.gateway = self.paths.gateway
        self.stick = folder / "stick"
        self.stick.mkdir()
        for node in (self.terminal, self.gateway):
            (node / "data").mkdir()
        self.identity = decode_identity((self.terminal / IDENTITY / NODE_IDENTITY).read_bytes())
        self.outbox = self.terminal / "data" / OUTBOX

    def fill(self, count: int = RECORDS) -> None:
        identity = self.identity
        outbox = Outbox(self.outbox, identity.county, identity.node, identity.peers)
        for number in range(count):
            outbox.append((b"record %d of the usual size" % number).ljust(90), NOW_MS)
        outbox.close()

    def make_ledger(self) -> None:
        SqliteLedger(self.gateway / "data" / DATABASE).close()

    def settle(self, seq: int) -> None:
        identity = self.identity
        outbox = Outbox(self.outbox, identity.county, identity.node, identity.peers)
        outbox.settle(receipt(outbox.origin, [(seq, seq)]), EVERYTHING)
        outbox.close()

    def exported(self) -> SeqSet:
        with closing(CarriedOutbox(self.outbox, self.identity)) as outbox:
            return outbox.exported

    def at_terminal(self, command: str, *arguments: object, stdin: str = "") -> Result:
        return self._run(self.terminal / TERMINAL_TOML, command, arguments, stdin)

    def at_county(self, command: str, *arguments: object, stdin: str = "") -> Result:
        return self._run(self.gateway / GATEWAY_TOML, command, arguments, stdin)

    def _run(self, config: Path, command: str, rest: tuple[object, ...], stdin: str) -> Result:
        words = ["courier", command, "--config", config, "--lang", "en", *rest]
        return CliRunner().invoke(main, [str(word) for word in words], input=stdin)

    def put(self, head: CourierHead, *messages: CourierMessage) -> Path:
        path = self.stick / head.name
        path.write_bytes(pack_courier(head, messages))
        return path

    def up_files(self) -> list[Path]:
        return sorted(self.stick.glob("*.up.muster"))


@pytest.fixture
def rig(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    shutil.copytree(made, tmp_path / "county")
    for module in (at_county, at_terminal):
        monkeypatch.setattr(module, "ABSENT_LIMIT_S", 0.0)
    with quick_disk():
        yield Rig(tmp_path)


def lines_of(result: Result) -> list[str]:
    """What goes into a pipe."""
    return [line for line in result.stdout.splitlines() if line.startswith("MC1:")]


def test_everything_that_waits_goes_onto_the_stick(rig: Rig) -> None:
    rig.fill()
    result = rig.at_terminal("export", rig.stick)
    assert result.exit_code == 0, result.output
    (path,) = rig.up_files()
    assert f"{path.name}: records 1 to {RECORDS}, {RECORDS} in all" in result.output
    assert f"Records on the stick, written and read back: {RECORDS}." in result.output
    assert "on this machine's own disk" in result.output
    assert unpack_courier(path.read_bytes()).is_whole


def test_nothing_waits(rig: Rig) -> None:
    rig.fill(0)
    for arguments in ([rig.stick], ["--qr"]):
        result = rig.at_terminal("export", *arguments)
        assert result.exit_code == 0
        assert "Nothing waits on this terminal" in result.output
    assert list(rig.stick.iterdir()) == []


def test_a_terminal_that_never_ran_says_so(rig: Rig) -> None:
    result = rig.at_terminal("export", rig.stick)
    assert result.exit_code == 1
    assert "there is no outbox" in result.output


def test_a_later_export_takes_the_place_of_an_earlier_one(rig: Rig) -> None:
    rig.fill(2)
    rig.at_terminal("export", rig.stick)
    other = rig.put(CourierHead(Direction.UP, "demo", "t2", 7, 1, 2, 0))
    rig.fill(2)
    assert rig.at_terminal("export", rig.stick).exit_code == 0
    names = [path.name for path in rig.up_files() if path != other]
    assert [name.split("-", 2)[2] for name in names] == ["1-4.up.muster"]
    assert other.exists()


def test_a_stick_that_is_not_there_is_named(rig: Rig) -> None:
    rig.fill()
    result = rig.at_terminal("export", rig.stick / "gone")
    assert result.exit_code == 1
    assert "gone is not a folder. Where is the stick mounted?" in result.output


@pytest.mark.parametrize("arguments", [[], ["--qr", "STICK"], ["--print", "page.html", "STICK"]])
def test_either_a_stick_or_codes(rig: Rig, arguments: list[str]) -> None:
    result = rig.at_terminal("export", *arguments)
    assert result.exit_code == 2
    assert "either STICK, the folder of a USB stick, or codes" in result.output


def test_the_county_keeps_what_no_gateway_takes(rig: Rig) -> None:
    rig.fill()
    rig.make_ledger()
    rig.at_terminal("export", rig.stick)
    result = rig.at_county("import", rig.stick)
    assert result.exit_code == 1
    assert "no gateway has answered" in result.output
    assert len(rig.up_files()) == 1
    (waiting,) = (rig.gateway / "data" / "courier-in").iterdir()
    assert unpack_courier(waiting.read_bytes()).is_whole


def test_the_terminal_keeps_what_nobody_takes(rig: Rig) -> None:
    rig.fill()
    rig.make_ledger()
    assert rig.at_county("export", rig.stick).exit_code == 0
    result = rig.at_terminal("import", rig.stick)
    assert result.exit_code == 1
    assert "The terminal is not running. What came is kept safe" in result.output
    assert len(list((rig.terminal / "data" / "courier-in").iterdir())) == 1


def test_answers_for_all_or_for_one(rig: Rig) -> None:
    rig.make_ledger()
    result = rig.at_county("export", rig.stick)
    assert "receipts 0, no roster" in result.output
    assert "Terminals with an answer on the stick: 1." in result.output
    assert rig.at_county("export", "--node", NODE, rig.stick).exit_code == 0
    result = rig.at_county("export", "--node", "t9", rig.stick)
    assert result.exit_code == 1
    assert "No terminal of that name" in result.output


def test_newer_answers_take_the_place_of_older_ones(rig: Rig) -> None:
    rig.make_ledger()
    old = rig.put(CourierHead(Direction.DOWN, rig.identity.county, NODE, 0, 0, 0, 5))
    other = rig.put(CourierHead(Direction.DOWN, rig.identity.county, "t2", 0, 0, 0, 5))
    rig.at_county("export", rig.stick)
    assert not old.exists()
    assert other.exists()
    assert len(list(rig.stick.glob(f"{NODE}-*.down.muster"))) == 1


def test_a_stick_with_nothing_on_it(rig: Rig) -> None:
    rig.fill()
    (rig.stick / "._a.up.muster").write_bytes(b"what another system leaves")
    (rig.stick / "holiday.jpg").write_bytes(b"")
    assert "nothing from a terminal" in rig.at_county("import", rig.stick).output
    assert f"nothing for this terminal ({NODE})" in rig.at_terminal("import", rig.stick).output


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:20], "no courier file, or one torn so early"),
        (lambda _: b"", "no courier file"),
        (lambda data: data[:7] + b"\x09" + data[8:], "made by a newer release"),
        (
            lambda data: data[:-1],
            "torn or altered on the way. Whole messages in it, which are taken: 1",
        ),
    ],
    ids=["cut early", "empty", "newer", "no end"],
)
def test_a_damaged_file_is_told_in_words(rig: Rig, spoil: object, words: str) -> None:
    assert callable(spoil)
    rig.fill()
    rig.make_ledger()
    rig.at_terminal("export", rig.stick)
    (path,) = rig.up_files()
    path.write_bytes(spoil(path.read_bytes()))
    result = rig.at_county("import", rig.stick)
    assert result.exit_code == 1
    assert f"{path.name}: {words}" in " ".join(result.output.split())
    assert path.exists()


def test_a_file_of_another_county_is_left_alone(rig: Rig) -> None:
    rig.make_ledger()
    head = CourierHead(Direction.UP, "elsewhere", NODE, 7, 1, 1, 0)
    path = rig.put(head, CourierMessage(CourierKind.ENVELOPE, b"x"))
    result = rig.at_county("import", rig.stick)
    assert result.exit_code == 1
    assert "of another county (elsewhere)" in result.output
    assert path.exists()
    assert not (rig.gateway / "data" / "courier-in").exists()


def test_a_forged_receipt_is_told(rig: Rig) -> None:
    rig.fill()
    head = CourierHead(Direction.DOWN, rig.identity.county, NODE, 0, 0, 0, 5)
    rig.put(head, CourierMessage(CourierKind.RECEIPT, b"forged"))
    result = rig.at_terminal("import", rig.stick)
    assert result.exit_code == 1
    assert "Receipts that are not the county's: 1. They change nothing." in result.output


def test_codes_through_a_pipe_are_the_stick_file(rig: Rig) -> None:
    rig.fill()
    rig.at_terminal("export", rig.stick)
    (path,) = rig.up_files()
    result = rig.at_terminal("export", "--qr")
    assert result.exit_code == 0
    assert f"records 1 to {RECORDS}, {RECORDS} in all. Scan them at the county" in result.stderr
    texts = lines_of(result)
    assert texts == split(path.read_bytes())
    rig.make_ledger()
    scanned = rig.at_county("import", "--qr", stdin="\n".join(["junk", *texts[::-1], texts[0]]))
    assert "That is no courier's code" in scanned.output
    assert f"{len(texts)} of {len(texts)}" in scanned.output
    assert "QR: handed over" in scanned.output


def test_codes_that_do_not_come_to_an_end_change_nothing(rig: Rig) -> None:
    rig.fill()
    texts = lines_of(rig.at_terminal("export", "--qr"))
    result = rig.at_county("import", "--qr", stdin="\n".join(texts[:-1]))
    assert result.exit_code == 1
    assert "Not all codes came. Nothing was taken" in result.output
    assert not (rig.gateway / "data" / "courier-in").exists()


def test_more_than_fits_into_codes_is_told(rig: Rig) -> None:
    rig.fill(300)
    result = rig.at_terminal("export", "--qr")
    assert result.exit_code == 0
    gatherer = Gatherer()
    *_, whole = [gatherer.take(parse_fragment(text)) for text in lines_of(result)]
    assert whole is not None
    head = unpack_courier(whole).head
    assert f"not in these codes: {300 - head.last_seq}." in result.stderr


def test_receipts_go_back_as_codes_to_one_terminal(rig: Rig) -> None:
    rig.fill()
    rig.make_ledger()
    assert "say which with --node" in rig.at_county("export", "--qr").output
    result = rig.at_county("export", "--qr", "--node", NODE)
    assert result.exit_code == 0
    taken = rig.at_terminal("import", "--qr", stdin="\n".join(lines_of(result)))
    assert "The terminal is not running" in taken.output


def test_codes_for_another_terminal_are_not_taken(rig: Rig) -> None:
    head = CourierHead(Direction.DOWN, rig.identity.county, "t2", 0, 0, 0, 5)
    texts = split(pack_courier(head, []))
    result = rig.at_terminal("import", "--qr", stdin="\n".join(texts))
    assert f"nothing for this terminal ({NODE})" in result.output


def test_node_is_for_the_county(rig: Rig) -> None:
    rig.fill()
    assert rig.at_terminal("export", "--node", NODE, rig.stick).exit_code == 2


def test_both_languages(rig: Rig) -> None:
    rig.fill(0)
    config = rig.terminal / TERMINAL_TOML
    words = ["courier", "export", "--config", str(config), "--lang", "zh", str(rig.stick)]
    assert "本机没有待传的记录" in CliRunner().invoke(main, words).output


def test_a_page_to_print_holds_every_code(rig: Rig) -> None:
    rig.fill()
    page = rig.stick / "codes.html"
    result = rig.at_terminal("export", "--print", page)
    assert result.exit_code == 0
    total = len(lines_of(rig.at_terminal("export", "--qr")))
    assert f"codes {total}. Print it" in result.output
    text = page.read_text()
    assert text.count("<svg") == total
    assert f"{total} of {total}" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert page.stat().st_mode & 0o077 == 0


def test_a_stick_that_fills_up_half_way_keeps_what_is_on_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.fill(3)
    rig.settle(2)  # a gap: two files
    written: list[Path] = []

    def write(path: Path, data: bytes) -> None:
        if written:
            raise StickFull(path.name)
        written.append(path)
        write_to_stick(path, data)

    monkeypatch.setattr("courier.stick.write_to_stick", write)
    result = rig.at_terminal("export", rig.stick)
    assert result.exit_code == 1
    assert "The stick is full." in result.output
    assert "On the stick: 1 of 2 records. The others wait on this terminal" in result.output
    assert rig.up_files() == written
    assert list(rig.exported()) == [(1, 1)]


def test_a_stick_without_room_for_the_answers_keeps_what_it_brought(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.fill()
    rig.make_ledger()
    rig.at_terminal("export", rig.stick)
    monkeypatch.setattr(CountyEnd, "answer", lambda *_: Answer(RECORDS, 0, 0, ()))
    monkeypatch.setattr("courier.stick.write_to_stick", full)
    result = rig.at_county("import", rig.stick)
    assert result.exit_code == 1
    assert f"new in the ledger {RECORDS}" in result.output
    assert "The answers are not on the stick. What came is safe" in result.output
    assert len(rig.up_files()) == 1


def full(path: Path, data: bytes) -> None:
    raise StickFull(f"{path.name}: {len(data)}")


def test_an_outbox_that_cannot_be_noted_in_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.fill()

    def note(_: CarriedOutbox, head: CourierHead) -> None:
        raise DatabaseError(f"{head.node}: locked")

    monkeypatch.setattr(CarriedOutbox, "note", note)
    result = rig.at_terminal("export", rig.stick)
    assert result.exit_code == 1
    assert "their receipts will not empty this terminal: export again" in result.output


def test_every_word_is_used_and_there() -> None:
    sources = [path.read_text() for path in (ROOT / "courier").glob("*.py")]
    used = {key for text in sources for key in re.findall(r'"([a-z]+\.[a-z_]+)"', text)}
    assert {key for key in used if not key.endswith(".html")} == courier_words("en").keys
