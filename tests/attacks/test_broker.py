"""What the county's broker must withstand. Subscriptions prove nothing; deliveries do."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from protocol import topics
from protocol.limits import MAX_MESSAGE_BYTES
from protocol.topics import Down, Up
from provisioning.authority import NODE_LIFE, Credentials
from provisioning.layout import IDENTITY, CountyFolder
from provisioning.vault import load_authority
from tests.attacks.conftest import NewCounty
from tests.broker_process import BrokerProcess
from tests.mqtt_probe import NOT_AUTHORISED, Probe, node_context

pytestmark = pytest.mark.daemon

COUNTY = "demo"
T1_RECORDS = topics.up(COUNTY, "t1", Up.RECORDS)
T2_RECORDS = topics.up(COUNTY, "t2", Up.RECORDS)
T1_RECEIPT = topics.down(COUNTY, "t1", Down.RECEIPT)
T2_RECEIPT = topics.down(COUNTY, "t2", Down.RECEIPT)
STATE = topics.gateway_state(COUNTY, "gateway")
EVERYTHING = ("#", "muster/#", T2_RECEIPT, topics.all_down(COUNTY, "t2"), T2_RECORDS)


def terminal(county: CountyFolder, name: str, client_id: str | None = None) -> Probe:
    return probe(county, county.terminal(name) / IDENTITY, name if client_id is None else client_id)


def gateway(county: CountyFolder) -> Probe:
    return probe(county, county.gateway / IDENTITY, "gateway")


def probe(county: CountyFolder, identity: Path, client_id: str) -> Probe:
    return Probe(port_of(county), node_context(identity), client_id)


def port_of(county: CountyFolder) -> int:
    return BrokerProcess(county.broker / "mosquitto.conf").port


def conf_without(county: CountyFolder, line: str) -> Path:
    """The county's configuration with one protection taken away: a negative control."""
    conf = county.broker / "mosquitto.conf"
    text = conf.read_text()
    assert f"\n{line}\n" in text
    conf.write_text(text.replace(f"\n{line}\n", "\n"))
    return conf


def save_credentials(folder: Path, credentials: Credentials, trust_pem: bytes) -> Path:
    folder.mkdir()
    (folder / "tls.key").write_bytes(credentials.key_pem)
    (folder / "tls.crt").write_bytes(credentials.chain_pem)
    (folder / "ca.pem").write_bytes(trust_pem)
    return folder


@pytest.mark.usefixtures("broker")
class TestRights:
    def test_nodes_reach_each_other_on_their_own_topics(self, county: CountyFolder) -> None:
        with terminal(county, "t1") as t1, gateway(county) as gw:
            assert t1.connect()
            assert gw.connect()
            gw.subscribe(topics.all_up(COUNTY))
            t1.subscribe(topics.all_down(COUNTY, "t1"))
            t1.subscribe(topics.any_gateway_state(COUNTY))
            for channel in Up:
                payload = channel.value.encode()
                assert t1.publish(topics.up(COUNTY, "t1", channel), payload) == 0
                assert gw.wait_for(payload)
            for down in Down:
                payload = down.value.encode()
                assert gw.publish(topics.down(COUNTY, "t1", down), payload) == 0
                assert t1.wait_for(payload)
            assert gw.publish(topics.down(COUNTY, "t1", Down.ROSTER, 3), b"part") == 0
            assert gw.publish(STATE, b"here") == 0
            assert (STATE, b"here") in t1.wait_for(b"here")

    def test_nobody_writes_in_anothers_name(self, county: CountyFolder) -> None:
        with terminal(county, "t1") as t1, gateway(county) as gw:
            assert t1.connect()
            assert gw.connect()
            gw.subscribe("#")
            for topic in (T2_RECORDS, T1_RECEIPT, T2_RECEIPT, STATE, "muster/1/other/up/t1/state"):
                assert t1.publish(topic, b"forged") == NOT_AUTHORISED
            for topic in (T1_RECORDS, topics.gateway_state(COUNTY, "other")):
                assert gw.publish(topic, b"forged") == NOT_AUTHORISED
            t1.publish(T1_RECORDS, b"end")
            assert b"forged" not in [payload for _, payload in gw.wait_for(b"end")]

    def test_nobody_hears_what_is_for_another(self, county: CountyFolder) -> None:
        assert overheard_by_t1(county) == []

    def test_the_largest_message_passes_and_a_larger_one_does_not(
        self, county: CountyFolder
    ) -> None:
        with terminal(county, "t1") as t1, gateway(county) as gw:
            assert t1.connect()
            assert gw.connect()
            gw.subscribe(topics.all_up(COUNTY))
            largest = bytes(MAX_MESSAGE_BYTES)
            assert t1.publish(T1_RECORDS, largest) == 0
            gw.wait_for(largest)
            with pytest.raises(AssertionError, match="disconnect"):
                t1.publish(T1_RECORDS, bytes(MAX_MESSAGE_BYTES + 2048))

    def test_a_client_id_cannot_be_stolen(self, county: CountyFolder) -> None:
        assert not t2_throws_t1_off(county)


def overheard_by_t1(county: CountyFolder) -> list[tuple[str, bytes]]:
    """What t1 hears of the words between t2 and the gateway when it asks for everything."""
    with terminal(county, "t1") as t1, terminal(county, "t2") as t2, gateway(county) as gw:
        assert t1.connect()
        assert t2.connect()
        assert gw.connect()
        for topic in EVERYTHING:
            t1.subscribe(topic)
        assert t2.publish(T2_RECORDS, b"secret of t2") in {0, 16}  # 16: nobody subscribed
        assert gw.publish(T2_RECEIPT, b"secret for t2") in {0, 16}
        assert gw.publish(T1_RECEIPT, b"for t1") == 0
        heard = t1.wait_for(b"for t1")  # the broker delivers in order: nothing earlier is left
        return [message for message in heard if message[0] != T1_RECEIPT]


def t2_throws_t1_off(county: CountyFolder) -> bool:
    """Whether t1 loses its connection to a t2 that claims t1's client id."""
    with terminal(county, "t1") as t1, terminal(county, "t2", client_id="t1") as thief:
        assert t1.connect()
        assert thief.connect()
        thief.publish(T2_RECORDS, b"thief was here")  # a take-over would have happened by now
        if t1.dropped.wait(0.2):
            return True
        return t1.publish(T1_RECORDS, b"still here") not in {0, 16}


def test_control_without_the_access_list_t1_hears_everything(new_county: NewCounty) -> None:
    county = new_county()
    (county.broker / "acl").write_text("pattern readwrite #\n")
    with BrokerProcess(county.broker / "mosquitto.conf"):
        assert overheard_by_t1(county) != []


def test_control_without_its_protection_a_client_id_is_stolen(new_county: NewCounty) -> None:
    county = new_county()
    with BrokerProcess(conf_without(county, "use_username_as_clientid true")):
        assert t2_throws_t1_off(county)


class TestStrangers:
    """None of these gets in; t1 with its own certificate does, on the same broker."""

    @pytest.fixture(autouse=True)
    def _t1_gets_in(self, county: CountyFolder, broker: BrokerProcess) -> None:
        with terminal(county, "t1") as t1:
            assert t1.connect(), broker.log

    def test_no_certificate(self, county: CountyFolder, broker: BrokerProcess) -> None:
        context = ssl.create_default_context(cafile=county.broker / "ca.pem")
        with Probe(broker.port, context) as stranger:
            assert not stranger.connect()

    def test_a_certificate_of_another_county_of_the_same_name(
        self, county: CountyFolder, broker: BrokerProcess, new_county: NewCounty
    ) -> None:
        context = node_context(new_county().terminal("t1") / IDENTITY)
        context.load_verify_locations(county.broker / "ca.pem")
        with Probe(broker.port, context) as stranger:
            assert not stranger.connect()

    def test_an_expired_certificate(
        self, county: CountyFolder, broker: BrokerProcess, tmp_path: Path
    ) -> None:
        authority = load_authority(county.authority)
        long_ago = datetime.now(UTC) - NODE_LIFE - timedelta(hours=1)
        expired = authority.issue_node("t1", long_ago)
        folder = save_credentials(tmp_path / "expired", expired, authority.trust_pem)
        with Probe(broker.port, node_context(folder)) as stranger:
            assert not stranger.connect()

    def test_a_servers_certificate(
        self, county: CountyFolder, broker: BrokerProcess, tmp_path: Path
    ) -> None:
        authority = load_authority(county.authority)
        server = authority.issue_server(COUNTY, ["127.0.0.1"], datetime.now(UTC))
        folder = save_credentials(tmp_path / "server", server, authority.trust_pem)
        with Probe(broker.port, node_context(folder)) as stranger:
            assert not stranger.connect()

    def test_tls_1_2(self, county: CountyFolder, broker: BrokerProcess) -> None:
        context = node_context(county.terminal("t1") / IDENTITY)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with (
            socket.create_connection(("127.0.0.1", broker.port)) as line,
            pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"),
        ):
            context.wrap_socket(line, server_hostname="127.0.0.1")

    def test_plain_tcp(self, broker: BrokerProcess) -> None:
        with Probe(broker.port, None, "t1") as stranger:
            assert not stranger.connect()


def revoke(county: CountyFolder, name: str) -> None:
    authority = load_authority(county.authority)
    leaf = x509.load_pem_x509_certificate(
        (county.terminal(name) / IDENTITY / "tls.crt").read_bytes()
    )
    crl = authority.revocation_list([leaf.serial_number], 2, datetime.now(UTC))
    (county.broker / "crl.pem").write_bytes(crl)


def test_a_revoked_node_stays_out_and_others_do_not(new_county: NewCounty) -> None:
    county = new_county()
    revoke(county, "t1")
    with (
        BrokerProcess(county.broker / "mosquitto.conf"),
        terminal(county, "t1") as t1,
        terminal(county, "t2") as t2,
    ):
        assert not t1.connect()
        assert t2.connect()


def test_control_without_the_list_a_revoked_node_gets_in(new_county: NewCounty) -> None:
    county = new_county()
    revoke(county, "t1")
    conf = conf_without(county, f"crlfile {county.broker / 'crl.pem'}")
    with BrokerProcess(conf), terminal(county, "t1") as t1:
        assert t1.connect()


@pytest.mark.parametrize("damaged", [b"", b"not a list\n"], ids=["empty", "garbage"])
def test_a_damaged_list_stops_the_start(new_county: NewCounty, damaged: bytes) -> None:
    county = new_county()
    (county.broker / "crl.pem").write_bytes(damaged)
    with pytest.raises(RuntimeError, match="did not start"):
        BrokerProcess(county.broker / "mosquitto.conf").start()


def test_a_killed_broker_starts_again(new_county: NewCounty) -> None:
    county = new_county()
    with BrokerProcess(county.broker / "mosquitto.conf") as broker:
        broker.kill()
        broker.start()
        with terminal(county, "t1") as t1:
            assert t1.connect()
