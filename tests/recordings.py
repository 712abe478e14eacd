"""Where the recordings of real receivers are; they are no part of this repository."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = [
    REPOSITORY.parent / "shared" / "data" / "nmea",
    REPOSITORY.parent.parent / "shared" / "data" / "nmea",  # from a git worktree
]


def recordings() -> Path:
    """The folder, or `MUSTER_RECORDINGS`; a machine without it fails the test."""
    chosen = os.environ.get("MUSTER_RECORDINGS")
    candidates = [Path(chosen)] if chosen else FOLDERS
    for folder in candidates:
        if folder.is_dir():
            return folder
    pytest.fail(f"the receiver recordings are missing: no folder {candidates[0]}")
