"""Files that are either the old content or the new, never half of one."""

import os
from pathlib import Path

SECRET_MODE = 0o600
PLAIN_MODE = 0o644


def write_atomic(path: Path, data: bytes, *, mode: int = PLAIN_MODE) -> None:
    """Replace a file: temporary file, fsync, rename, fsync of the folder. Raises `OSError`."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable: a renamed file exists only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
