"""The radio: what a check-in costs on the air, who gets through when, and how musters go by it."""

from pathlib import Path

from tests.bench.harness import Figure
from tests.bench.radio_access import measure_access, measure_losses
from tests.bench.radio_encodings import measure_encodings
from tests.bench.radio_musters import measure_musters

WATCHDOG_S = 900


def measure(_folder: Path) -> list[Figure]:
    """See the module."""
    return [*measure_encodings(), *measure_access(), *measure_losses(), *measure_musters()]
