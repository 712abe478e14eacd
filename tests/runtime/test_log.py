"""Log lines are JSON, one per event, with what was passed along."""

import json
import logging
from pathlib import Path

import pytest

from runtime.log import JsonFormatter, set_up_logging


def test_a_line_is_json_with_its_extras() -> None:
    record = logging.makeLogRecord(
        {"name": "terminal.outbox", "levelname": "WARNING", "msg": "%d waiting\n集结", "args": (3,),
         "created": 12.3456, "node": "qingshui-1", "where": Path("data")}
    )  # fmt: skip
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line) == {
        "t": 12.346, "level": "warning", "from": "terminal.outbox", "msg": "3 waiting\n集结",
        "node": "qingshui-1", "where": "data",
    }  # fmt: skip


def test_an_exception_comes_with_its_trace() -> None:
    error = RuntimeError("the reason")
    info = (type(error), error, None)
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), info)
    assert "the reason" in json.loads(JsonFormatter().format(record))["trace"]


def test_every_logger_ends_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        set_up_logging()
        logging.getLogger("some.module").info("ready", extra={"port": 8080})
        logging.getLogger("uvicorn.access").info("too much")
        captured = capsys.readouterr().err.splitlines()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert [json.loads(line)["msg"] for line in captured] == ["ready"]
    assert json.loads(captured[0])["port"] == 8080
