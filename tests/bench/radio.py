"""The radio: what a check-in costs on the air."""

from pathlib import Path

from tests.bench.harness import Figure
from tests.bench.radio_encodings import measure_encodings

WATCHDOG_S = 600


def measure(_folder: Path) -> list[Figure]:
    """See the module."""
    return measure_encodings()
