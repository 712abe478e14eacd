"""Fixtures for every test."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.log import JsonFormatter
from sim.clock import Run, run_virtual
from tests.pcscd_process import CLIENTS_LOOK_AT, Pcscd


@pytest.fixture(autouse=True)
def no_logging_left_behind() -> Iterator[None]:
    """A command that is run within a test sets up the logging of the whole process."""
    root = logging.getLogger()
    level = root.level
    yield
    for handler in list(root.handlers):
        if isinstance(handler.formatter, JsonFormatter):
            root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def run() -> Run:
    """Virtual time: hours of waiting cost nothing, and nobody can wait for ever."""
    return run_virtual


@pytest.fixture(scope="session")
def pcsc_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the whole run: a PC/SC program looks up the daemon's path only once."""
    return tmp_path_factory.mktemp("pcscd")


@pytest.fixture
def pcscd(pcsc_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pcscd]:
    """Not started yet; every PC/SC program started from here on uses this one."""
    daemon = Pcscd(pcsc_folder)
    monkeypatch.setenv(CLIENTS_LOOK_AT, str(daemon.socket))
    yield daemon
    daemon.kill()
