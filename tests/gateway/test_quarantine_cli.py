"""The gateway's commands that read the ledger."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import gateway
from gateway.store.base import Quarantined
from gateway.store.sqlite import DATABASE, SqliteLedger
from protocol.receipts import RefusalReason
from tests.parties import NOW_MS

CONFIG = """
county = "demo"
node = "gateway"
title_zh = "演示县"
title_en = "Demo"
[broker]
host = "127.0.0.1"
[activation]
title_zh = "集结"
title_en = "Muster"
mode = "drill"
[[points]]
name = "qingshan"
title_zh = "青山镇"
title_en = "Qingshan"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    file = tmp_path / "gateway.toml"
    file.write_text(CONFIG, "utf-8")
    return file


def call(command: str, config: Path) -> Result:
    return CliRunner().invoke(gateway, [command, "--config", str(config)])


@pytest.mark.parametrize("command", ["quarantine", "verify"])
def test_where_there_is_no_ledger_none_is_made(command: str, config: Path) -> None:
    result = call(command, config)
    assert (result.exit_code, "there is no ledger" in result.output) == (1, True)
    assert list((config.parent / "data").iterdir()) == []


def test_the_quarantine_is_listed_newest_first(config: Path) -> None:
    ledger = SqliteLedger(config.parent / "data" / DATABASE)
    assert call("quarantine", config).output == "nothing is in quarantine\n"
    for digest, node, reason in (
        (b"d", "t1", RefusalReason.CONFLICT),
        (b"e", "t9", RefusalReason.UNKNOWN_NODE),
        (b"d", "t1", RefusalReason.CONFLICT),
    ):
        message = Quarantined(NOW_MS, node, reason, digest, b"secret")
        ledger.commit([], [], [message], NOW_MS)
    ledger.close()
    lines = call("quarantine", config).output.splitlines()
    assert [line.split()[2:] for line in lines] == [
        ["t9", "UNKNOWN_NODE", "1"],
        ["t1", "CONFLICT", "2"],
    ]
