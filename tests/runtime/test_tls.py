"""A node's TLS under good clocks and bad ones, against a TLS server in the same process."""

import errno
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.authority import SERVER_LIFE, Authority, create_authority, open_authority
from runtime import tls
from runtime.clock import SystemClock, TimeFloor
from runtime.release import RELEASED
from runtime.tls import Trouble

HOST = "127.0.0.1"
NOW = datetime.now(UTC)  # OpenSSL on both sides judges by the real clock
FLOOR_MS = int(RELEASED.timestamp() * 1000)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> Authority:
    _, files = create_authority("demo", bytes(32), b"secret-radio-key", NOW - 3 * SERVER_LIFE)
    return open_authority(files)


class WallClock:
    """A machine clock that a test sets."""

    def __init__(self) -> None:
        self.at_ms = FLOOR_MS + 1


@pytest.fixture
def wall() -> WallClock:
    return WallClock()


@pytest.fixture
def context(tmp_path: Path, authority: Authority, wall: WallClock) -> ssl.SSLContext:
    node = authority.issue_node("t1", NOW)
    save(tmp_path, node.key_pem, node.chain_pem, authority.trust_pem)
    clock = SystemClock(TimeFloor(tmp_path / "floor"), wall_ms=lambda: wall.at_ms)
    return tls.client_context(tmp_path, clock)


Connect = Callable[[datetime], Trouble | None]


@pytest.fixture
def connect(tmp_path: Path, authority: Authority, context: ssl.SSLContext) -> Connect:
    """What becomes of a connection to a broker whose certificate was issued at the given time."""

    def attempt(issued: datetime) -> Trouble | None:
        return handshake(context, server_context(tmp_path / "server", authority, [HOST], issued))

    return attempt


def save(folder: Path, key: bytes, chain: bytes, trust: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "tls.key").write_bytes(key)
    (folder / "tls.crt").write_bytes(chain)
    (folder / "ca.pem").write_bytes(trust)


def server_context(
    folder: Path, authority: Authority, hosts: list[str], issued: datetime
) -> ssl.SSLContext:
    server = authority.issue_server("demo", hosts, issued)
    save(folder, server.key_pem, server.chain_pem, authority.trust_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> Trouble | None:
    """Connect the two over a socket pair; `None` is success."""
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(far, server_side=True).close()
        except OSError:
            far.close()  # the client hung up, which is its right

    thread = threading.Thread(target=serve)
    thread.start()
    # As paho does it, which lets go of the socket when the handshake fails.
    connection = client.wrap_socket(near, server_hostname=HOST, do_handshake_on_connect=False)
    try:
        connection.do_handshake()
    except OSError as error:
        assert connection.fileno() == -1, "a failed handshake left its socket open"
        return tls.diagnose(error)
    finally:
        connection.close()
        thread.join()
    return None


def test_a_right_clock_believes_a_valid_certificate(connect: Connect) -> None:
    assert connect(NOW) is None


def test_a_right_clock_refuses_certificates_outside_their_time(connect: Connect) -> None:
    assert connect(NOW + 10 * DAY) is Trouble.CLOCK_BEHIND
    assert connect(NOW - SERVER_LIFE - DAY) is Trouble.BROKER_EXPIRED


def test_a_clock_behind_the_floor_is_not_asked(connect: Connect, wall: WallClock) -> None:
    wall.at_ms = 0
    assert connect(NOW + 10 * DAY) is None


def test_the_floor_judges_instead(connect: Connect, wall: WallClock) -> None:
    wall.at_ms = 0
    assert connect(RELEASED - SERVER_LIFE) is None
    assert connect(RELEASED - SERVER_LIFE - timedelta(seconds=1)) is Trouble.BROKER_EXPIRED


def test_the_clock_is_asked_before_each_connection(connect: Connect, wall: WallClock) -> None:
    wall.at_ms = 0
    assert connect(NOW + 10 * DAY) is None
    wall.at_ms = FLOOR_MS
    assert connect(NOW + 10 * DAY) is Trouble.CLOCK_BEHIND
    wall.at_ms = 0
    assert connect(NOW + 10 * DAY) is None


@pytest.mark.parametrize("wall_ms", [0, FLOOR_MS], ids=["behind", "right"])
class TestWhateverTheClockSays:
    @pytest.fixture(autouse=True)
    def _set_clock(self, wall: WallClock, wall_ms: int) -> None:
        wall.at_ms = wall_ms

    def test_another_authority_is_refused(self, context: ssl.SSLContext, tmp_path: Path) -> None:
        _, files = create_authority("demo", bytes(32), b"secret-radio-key", NOW)
        other = server_context(tmp_path / "other", open_authority(files), [HOST], NOW)
        assert handshake(context, other) is Trouble.UNKNOWN_AUTHORITY

    def test_another_address_is_refused(
        self, context: ssl.SSLContext, authority: Authority, tmp_path: Path
    ) -> None:
        other = server_context(tmp_path / "other", authority, ["127.0.0.2", "county.example"], NOW)
        assert handshake(context, other) is Trouble.WRONG_NAME

    def test_a_node_cannot_play_the_broker(
        self, context: ssl.SSLContext, authority: Authority, tmp_path: Path
    ) -> None:
        node = authority.issue_node("t2", NOW)
        other = server_context(tmp_path / "other", authority, [HOST], NOW)
        save(tmp_path / "other", node.key_pem, node.chain_pem, authority.trust_pem)
        other.load_cert_chain(tmp_path / "other" / "tls.crt", tmp_path / "other" / "tls.key")
        assert handshake(context, other) is Trouble.UNKNOWN_AUTHORITY

    def test_tls_1_2_is_refused(
        self, context: ssl.SSLContext, authority: Authority, tmp_path: Path
    ) -> None:
        old = server_context(tmp_path / "old", authority, [HOST], NOW)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert handshake(context, old) is Trouble.NOT_TLS


def test_tls_without_a_socket_is_refused(context: ssl.SSLContext) -> None:
    with pytest.raises(NotImplementedError):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())


@pytest.mark.parametrize("name", ["tls.key", "tls.crt", "ca.pem"])
@pytest.mark.parametrize("content", [None, b"", b"garbage"], ids=["missing", "empty", "garbage"])
def test_an_unusable_identity_is_named(
    tmp_path: Path, context: ssl.SSLContext, name: str, content: bytes | None
) -> None:
    assert context.verify_mode is ssl.CERT_REQUIRED  # the same files made a context before
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(tls.IdentityUnusable) as caught:
        tls.client_context(tmp_path, SystemClock(TimeFloor(tmp_path / "floor")))
    assert tls.diagnose(caught.value) is Trouble.IDENTITY


def test_another_nodes_key_is_unusable(
    tmp_path: Path, context: ssl.SSLContext, authority: Authority
) -> None:
    assert context.check_hostname
    (tmp_path / "tls.key").write_bytes(authority.issue_node("t2", NOW).key_pem)
    with pytest.raises(tls.IdentityUnusable):
        tls.client_context(tmp_path, SystemClock(TimeFloor(tmp_path / "floor")))


def test_hanging_up_after_the_handshake_means_refused() -> None:
    assert tls.diagnose(None) is Trouble.REFUSED
    assert tls.diagnose(ssl.SSLError(1, "alert certificate revoked")) is Trouble.REFUSED


def test_no_network_is_no_certificates_fault() -> None:
    assert tls.diagnose(ConnectionRefusedError(errno.ECONNREFUSED, "")) is Trouble.UNREACHABLE


def test_every_trouble_is_explained_in_both_languages() -> None:
    assert all(trouble.zh and trouble.en and trouble.zh != trouble.en for trouble in Trouble)
    assert tls.explain(None) == Trouble.REFUSED.en
    assert tls.explain(None, "zh") == Trouble.REFUSED.zh
