"""Fixtures for every test."""

import pytest

from sim.clock import Run, run_virtual


@pytest.fixture
def run() -> Run:
    """Virtual time: hours of waiting cost nothing, and nobody can wait for ever."""
    return run_virtual
