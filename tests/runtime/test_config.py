"""Configuration: every mistake is named, with its file and key, in one line."""

from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, Struct

from runtime.config import ConfigError, load_config


class Web(Struct, frozen=True, forbid_unknown_fields=True):
    port: Annotated[int, Meta(ge=1, le=65535)]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    node: str
    web: Web
    data: Path = Path("data")


GOOD = 'node = "qingshui-1"\n[web]\nport = 8080\n'


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "terminal.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_file(tmp_path: Path) -> None:
    settings = load_config(write(tmp_path, 'data = "/var/lib/muster"\n' + GOOD), Settings)
    assert settings == Settings("qingshui-1", Web(8080), Path("/var/lib/muster"))
    assert load_config(write(tmp_path, GOOD), Settings).data == Path("data")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD + "hots = 1\n", ["unknown field `hots`", "$.web"]),
        ("nod = 1\n" + GOOD, ["unknown field `nod`"]),
        (GOOD.replace("8080", "0"), ["`int` >= 1", "$.web.port"]),
        (GOOD.replace("8080", "65536"), ["<= 65535", "$.web.port"]),
        (GOOD.replace("8080", '"high"'), ["Expected `int`, got `str`", "$.web.port"]),
        ("data = 5\n" + GOOD, ["expected a Path, got int", "$.data"]),
        ("[web]\nport = 1\n", ["missing required field `node`"]),
        (GOOD + "port = 1\n", ["not valid TOML"]),
        (b"\xff", ["not valid TOML"]),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str | bytes, named: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, Settings)
    told = str(caught.value)
    assert "\n" not in told
    for part in [str(path), *named]:
        assert part in told


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"terminal\.toml: cannot be read: No such file"):
        load_config(tmp_path / "terminal.toml", Settings)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, Settings)


def test_a_shape_that_asks_for_the_impossible_is_our_mistake(tmp_path: Path) -> None:
    class Odd(Struct, frozen=True):
        node: complex

    with pytest.raises(ConfigError, match="expected a complex"):
        load_config(write(tmp_path, GOOD), Odd)
