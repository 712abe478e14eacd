"""Configuration: one TOML file, read once into a frozen structure.

An unknown key, a wrong type or a value out of bounds stops the start with one line that names the
file and the key.
"""

import tomllib
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

T = TypeVar("T")


PortNumber = Annotated[int, Meta(ge=1, le=65535)]


class BrokerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the county's broker listens; in every node's file."""

    host: str
    port: PortNumber = 8883  # MQTT over TLS


class ConfigError(ValueError):
    """The operator must correct a file before the program can start."""


def load_config(path: Path, shape: type[T]) -> T:
    """Read `path` into `shape`, a Struct that forbids unknown fields. Raises `ConfigError`."""
    text = read_needed(path)
    try:
        values = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    try:
        return msgspec.convert(values, shape, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error


def read_needed(path: Path) -> bytes:
    """A file the program cannot start without. Raises `ConfigError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _path(shape: type, value: object) -> object:
    if shape is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"expected a {shape.__name__}, got {type(value).__name__}")
