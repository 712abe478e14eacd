"""What all simulated modems say of the air they are on."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulators import simulator

LIMIT_S = 20


@pytest.mark.parametrize("kind", ["e22", "rak3172"])
def test_two_modems_of_one_name_and_an_air_that_goes(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sim.cli", kind, "--tcp", "0", "--name", "it"]
    with simulator("air", "--link", tmp_path / "air"):
        air = ["--air", str(tmp_path / "air")]
        first = subprocess.Popen([*command, *air], stdout=-1, stderr=-1, text=True)
        assert first.stdout is not None
        assert " at tcp://" in first.stdout.readline()
        second = subprocess.run(
            [*command, *air], capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert second.returncode == 1
        assert "the air does not take it" in second.stderr
    _, said = first.communicate(timeout=LIMIT_S)
    assert first.returncode == 1
    assert "the air is gone" in said
