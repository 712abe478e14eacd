"""Unix sockets of simulators: one owner each, and there only when somebody answers."""

import os
import socket
from pathlib import Path


def listening(path: Path) -> socket.socket:
    """A socket at `path`, which appears there only when it can be connected to.

    One that was left behind is replaced. Raises `FileExistsError` if a file or a living
    simulator is there, other `OSError`s if the folder does not take it.
    """
    if path.is_socket():
        if _is_answered(path):
            raise FileExistsError(f"{path} belongs to a running simulator")
        path.unlink()  # left behind by a simulator that was killed
    elif path.exists():
        raise FileExistsError(f"{path} exists and is no socket")
    listener = socket.socket(socket.AF_UNIX)
    unborn = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        listener.bind(str(unborn))
        listener.listen()
        unborn.rename(path)
    except OSError:
        listener.close()
        unborn.unlink(missing_ok=True)
        raise
    return listener


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
