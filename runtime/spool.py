"""A folder through which one process hands files to another: whole, durable, each taken once.

Names beginning with a dot are on their way in; nobody takes them.
"""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from runtime.files import SECRET_MODE, sync_folder, write_atomic

FOLDER_MODE = 0o700
REFUSED_SUFFIX = ".refused"  # set aside by the taker: nothing is thrown away unread
KEPT_FREE_BYTES = 64 * 1024 * 1024  # for the databases beside it: a stick must not fill the disk
_ROOT = 0
_TOKEN_BYTES = 4


class Spool:
    """One such folder. The process that takes from it makes it, so that it owns it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        """Make the folder if it is not there. Raises `OSError`."""
        self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)

    def put(self, name: str, data: bytes) -> Path:
        """Hand over one file; it is durable when this returns. Raises `OSError`.

        A disk is full for this purpose while there is room for what else lives on it.
        Whatever root puts belongs to the owner of the folder, who must be able to take it.
        """
        self.make()
        path = self.folder / f"{name}-{secrets.token_hex(_TOKEN_BYTES)}"
        if shutil.disk_usage(self.folder).free - len(data) < KEPT_FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))
        write_atomic(path, data, mode=SECRET_MODE)
        if os.geteuid() == _ROOT:
            owner = self.folder.parent.stat()
            for each in (self.folder, path):
                os.chown(each, owner.st_uid, owner.st_gid)
        return path

    def waiting(self) -> Iterator[Path]:
        """The files to take, by name. Raises `OSError`."""
        yield from sorted(
            path
            for path in self.folder.iterdir()
            if not path.name.startswith(".") and path.suffix != REFUSED_SUFFIX
        )

    def taken(self, path: Path) -> None:
        """A file was dealt with: it goes. Raises `OSError`."""
        path.unlink(missing_ok=True)
        sync_folder(self.folder)

    def refuse(self, path: Path) -> None:
        """A file means nothing: it stays, out of the way."""
        with contextlib.suppress(OSError):
            path.rename(path.with_name(path.name + REFUSED_SUFFIX))
