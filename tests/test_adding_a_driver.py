"""docs/adding-a-driver.md says what a new scanner takes; `tests/examples` does it.

That the example keeps the contract is a row of `tests/contract/test_reader_contract.py`.
"""

from pathlib import Path

from tests.contract.test_reader_contract import READERS
from tests.examples import lrc_scanner

ROOT = Path(__file__).resolve().parent.parent
FEWER_LINES_THAN = 60


def test_a_new_scanner_takes_fewer_lines_than_the_guide_says() -> None:
    assert lrc_scanner.__file__ is not None
    assert len(Path(lrc_scanner.__file__).read_text().splitlines()) < FEWER_LINES_THAN
    guide = (ROOT / "docs" / "adding-a-driver.md").read_text()
    assert f"fewer than {FEWER_LINES_THAN} lines" in guide
    assert "tests/examples/lrc_scanner.py" in guide


def test_the_contract_runs_on_it() -> None:
    assert lrc_scanner.ROW in READERS.values()
