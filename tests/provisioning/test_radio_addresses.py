"""Short radio addresses: one for each name, for ever."""

import stat
from pathlib import Path

import pytest

from provisioning.errors import BadPlan, NoSuchCounty
from provisioning.radio_addresses import assign_address, load_addresses


def test_each_name_gets_the_next_address_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "radio.addresses"
    assert [assign_address(path, name) for name in ("b", "a", "b", "c")] == [1, 2, 1, 3]
    assert load_addresses(path) == {"b": 1, "a": 2, "c": 3}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_gap_is_not_filled(tmp_path: Path) -> None:
    path = tmp_path / "radio.addresses"
    path.write_text("7 a\n")
    assert assign_address(path, "b") == 8


def test_a_county_can_run_out_of_addresses(tmp_path: Path) -> None:
    path = tmp_path / "radio.addresses"
    path.write_text("65535 a\n")
    with pytest.raises(BadPlan, match="65535"):
        assign_address(path, "b")


@pytest.mark.parametrize("text", ["a\n", "1\n", "x a\n", "1 a\n2 a\n", "1 a\n1 b\n", "-1 a\n"])
def test_a_damaged_file_gives_no_address(tmp_path: Path, text: str) -> None:
    path = tmp_path / "radio.addresses"
    path.write_text(text)
    with pytest.raises(NoSuchCounty, match="damaged"):
        assign_address(path, "c")
    assert path.read_text() == text
