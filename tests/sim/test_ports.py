"""Ports for programs that are started later, and restarted."""

import socket
import sys
from pathlib import Path

import pytest

from sim import ports
from sim.expose import LOOPBACK
from sim.ports import free_port

GIVEN = 500


def test_no_port_is_given_twice_in_a_row() -> None:
    given = [free_port() for _ in range(GIVEN)]
    assert len(set(given)) == GIVEN


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's own range")
def test_no_outgoing_connection_can_take_it() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(free_port() for _ in range(GIVEN)) < first


def test_a_port_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, free = free_port(), free_port()
    monkeypatch.setattr(ports, "_untried", iter([taken, free]))
    with socket.create_server((LOOPBACK, taken)):
        assert free_port() == free


def test_a_machine_without_a_free_port_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = free_port()
    monkeypatch.setattr(ports, "_untried", iter([taken]))
    with socket.create_server((LOOPBACK, taken)), pytest.raises(OSError, match="is taken"):
        free_port()
