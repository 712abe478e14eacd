"""Single values out of files of the kernel: any of them may be missing, or fail to be read."""

from pathlib import Path


def text(path: Path) -> str:
    """What the file says, or nothing."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def number(path: Path) -> int | None:
    """The decimal number the file says, or None."""
    try:
        return int(text(path))
    except ValueError:
        return None
