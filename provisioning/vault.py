"""The county authority on disk: the folder that never leaves the county."""

from pathlib import Path

from provisioning.authority import Authority, AuthorityFiles, open_authority
from provisioning.errors import NoSuchCounty
from runtime.files import SECRET_MODE, write_atomic

ROOT_KEY = "root.key"
ROOT_CERTIFICATE = "root.crt"
ISSUING_KEY = "issuing.key"
ISSUING_CERTIFICATE = "issuing.crt"
STATEMENT_KEY = "statement.key"
BADGE_KEY = "badge.key"
COUNTY_KEY = "county.key"
RADIO_KEY = "radio.key"


def save_authority(folder: Path, root_key: bytes, files: AuthorityFiles) -> None:
    """Write a new authority into an empty folder. Raises `OSError`."""
    write_atomic(folder / ROOT_KEY, root_key, mode=SECRET_MODE)
    write_atomic(folder / ROOT_CERTIFICATE, files.root_certificate)
    write_atomic(folder / ISSUING_KEY, files.issuing_key, mode=SECRET_MODE)
    write_atomic(folder / ISSUING_CERTIFICATE, files.issuing_certificate)
    write_atomic(folder / STATEMENT_KEY, files.statement_key, mode=SECRET_MODE)
    write_atomic(folder / BADGE_KEY, files.badge_key, mode=SECRET_MODE)
    write_atomic(folder / COUNTY_KEY, files.county_key, mode=SECRET_MODE)
    write_atomic(folder / RADIO_KEY, files.radio_key, mode=SECRET_MODE)


def load_authority(folder: Path) -> Authority:
    """Read an authority; the root's key may have been taken away. Raises `NoSuchCounty`."""
    try:
        files = AuthorityFiles(
            root_certificate=(folder / ROOT_CERTIFICATE).read_bytes(),
            issuing_key=(folder / ISSUING_KEY).read_bytes(),
            issuing_certificate=(folder / ISSUING_CERTIFICATE).read_bytes(),
            statement_key=(folder / STATEMENT_KEY).read_bytes(),
            badge_key=(folder / BADGE_KEY).read_bytes(),
            county_key=(folder / COUNTY_KEY).read_bytes(),
            radio_key=(folder / RADIO_KEY).read_bytes(),
        )
    except FileNotFoundError as error:
        raise NoSuchCounty(f"{error.filename} is missing") from error
    return open_authority(files)
