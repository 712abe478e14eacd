"""Who belongs to the county: only those the authority vouches for, by their own name."""

import logging
from pathlib import Path

import pytest

from gateway.registry import Registry
from protocol.keys import Role
from tests.parties import Parties

PARTIES = Parties()


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / f"{name}.enrolment").write_bytes(data)


def enrol(folder: Path, node: str) -> None:
    put(folder, node, PARTIES.enrolment(PARTIES.terminal(node)))


def registry(folder: Path) -> Registry:
    return Registry(folder, PARTIES.gateway)


def names(of: Registry) -> list[str]:
    return [peer.enrolment.node for peer in of]


def test_a_folder_that_is_not_there_holds_nobody(tmp_path: Path) -> None:
    assert names(registry(tmp_path / "enrolments")) == []


def test_who_is_vouched_for_is_found(tmp_path: Path) -> None:
    enrol(tmp_path, "t1")
    found = registry(tmp_path)
    assert names(found) == ["t1"]
    peer = found.find("t1")
    assert peer is not None
    assert peer.enrolment.point == "qingshan"
    assert found.find("t2") is None


@pytest.mark.parametrize("node", ["", "T1", "../t1", "t1/x", "t" * 40, "t1\n"])
def test_a_name_that_is_none_is_nobody(tmp_path: Path, node: str) -> None:
    enrol(tmp_path, "t1")
    assert registry(tmp_path / "x").find(node) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(Parties().enrolment(PARTIES.terminal("t1")), id="another authority"),
        pytest.param(PARTIES.enrolment(PARTIES.terminal("t2")), id="another node's"),
        pytest.param(PARTIES.enrolment(PARTIES.terminal("t1"), Role.GATEWAY), id="a gateway's"),
    ],
)
def test_a_file_that_vouches_for_nobody_is_refused_once(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, "t1", data)
    found = registry(tmp_path)
    for _ in range(3):
        assert not found.rescan()
        assert found.find("t1") is None
    assert names(found) == []
    assert len(caplog.records) == 1
    enrol(tmp_path, "t1")  # a copy that was half-way is whole now
    assert found.rescan()
    assert names(found) == ["t1"]


def test_another_countys_terminal_is_refused(tmp_path: Path) -> None:
    elsewhere = Parties("elsewhere")
    elsewhere.authority = PARTIES.authority
    put(tmp_path, "t1", elsewhere.enrolment(elsewhere.terminal("t1")))
    assert names(registry(tmp_path)) == []


def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "t1.enrolment").mkdir()
    with caplog.at_level(logging.WARNING):
        assert names(registry(tmp_path)) == []
    assert "refused" in caplog.text


def test_a_new_file_is_news_once(tmp_path: Path) -> None:
    enrol(tmp_path, "t1")
    found = registry(tmp_path)
    assert not found.rescan()
    enrol(tmp_path, "t2")
    assert found.rescan()
    assert not found.rescan()
    assert names(found) == ["t1", "t2"]


def test_a_terminal_that_spoke_first_is_news_all_the_same(tmp_path: Path) -> None:
    """Else nobody would ever send it the roster."""
    found = registry(tmp_path)
    enrol(tmp_path, "t1")
    assert found.find("t1") is not None
    assert found.rescan()
    assert not found.rescan()
