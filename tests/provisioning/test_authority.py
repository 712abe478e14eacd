"""The authority issues what it should, and nothing under a name that is none."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from provisioning.authority import (
    BACKDATE,
    ISSUING_LIFE,
    NODE_LIFE,
    Authority,
    Credentials,
    create_authority,
    open_authority,
)
from provisioning.errors import BadPlan, NoSuchCounty
from provisioning.vault import load_authority, save_authority

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    _, files = create_authority("demo", bytes(32), b"secret-radio-key", NOW)
    return open_authority(files)


def leaf(credentials: Credentials) -> x509.Certificate:
    return x509.load_pem_x509_certificates(credentials.chain_pem)[0]


def purposes(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_a_node_is_a_client_under_its_name(authority: Authority) -> None:
    certificate = leaf(authority.issue_node("t1", NOW))
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert name.value == "t1"
    assert names.get_values_for_type(x509.DNSName) == ["t1"]
    assert purposes(certificate) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_broker_is_a_server_under_every_address(authority: Authority) -> None:
    hosts = ["192.0.2.7", "2001:db8::7", "gateway.county.example"]
    certificate = leaf(authority.issue_server("demo", hosts, NOW))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address(host) for host in hosts[:2]
    ]
    assert names.get_values_for_type(x509.DNSName) == hosts[2:]
    assert purposes(certificate) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_chain_satisfies_a_strict_verifier(authority: Authority) -> None:
    root = Store([authority.root_certificate])
    node = authority.issue_node("t1", NOW)
    chain = x509.load_pem_x509_certificates(node.chain_pem)
    verifier = PolicyBuilder().store(root).time(NOW).build_client_verifier()
    assert len(verifier.verify(chain[0], chain[1:]).chain) == 3


def test_certificates_begin_a_little_before_they_are_made(authority: Authority) -> None:
    certificate = leaf(authority.issue_node("t1", NOW))
    assert certificate.not_valid_before_utc == NOW - BACKDATE
    assert certificate.not_valid_after_utc == NOW + NODE_LIFE


@pytest.mark.parametrize(
    "name",
    ["", "#", "+", "a/b", "node+", "T1", "t1\n", "t 1", "t1.", "名", "x" * 33, "demo broker"],
)
def test_no_certificate_under_a_name_that_is_none(authority: Authority, name: str) -> None:
    with pytest.raises(Malformed):
        authority.issue_node(name, NOW)


@given(host=st.text())
def test_a_host_is_an_address_or_a_name_or_refused(authority: Authority, host: str) -> None:
    try:
        issued = authority.issue_server("demo", [host], NOW)
    except BadPlan:
        return
    names = leaf(issued).extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    assert host.isascii()
    assert isinstance(names.value, x509.SubjectAlternativeName)


def test_a_revocation_list_names_who_is_out(authority: Authority) -> None:
    out, still_in = authority.issue_node("t1", NOW), authority.issue_node("t2", NOW)
    crl = x509.load_pem_x509_crl(authority.revocation_list([out.serial], 7, NOW))
    assert crl.get_revoked_certificate_by_serial_number(out.serial) is not None
    assert crl.get_revoked_certificate_by_serial_number(still_in.serial) is None
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 7
    assert crl.is_signature_valid(authority.issuing.key.public_key())
    assert crl.next_update_utc == NOW + ISSUING_LIFE


def test_keys_are_never_shown(authority: Authority) -> None:
    node = authority.issue_node("t1", NOW)
    _, files = create_authority("demo", b"secret-county-key", b"secret-radio-key", NOW)
    for shown in (repr(node), repr(files), repr(authority)):
        assert "PRIVATE KEY" not in shown
        assert "secret-county-key" not in shown
        assert "secret-radio-key" not in shown


def test_saved_and_loaded_it_issues_under_the_same_root(tmp_path: Path) -> None:
    root_key, files = create_authority("demo", bytes(range(32)), b"secret-radio-key", NOW)
    save_authority(tmp_path, root_key, files)
    (tmp_path / "root.key").unlink()  # kept elsewhere
    loaded = load_authority(tmp_path)
    assert loaded.county_key == bytes(range(32))
    assert loaded.radio_key == b"secret-radio-key"
    assert loaded.trust_pem == files.issuing_certificate + files.root_certificate
    assert leaf(loaded.issue_node("t1", NOW)).issuer == loaded.issuing.certificate.subject


@pytest.mark.parametrize(
    "name", ["issuing.key", "statement.key", "root.crt", "county.key", "radio.key"]
)
def test_an_incomplete_authority_is_named(tmp_path: Path, name: str) -> None:
    save_authority(tmp_path, *create_authority("demo", bytes(32), b"secret-radio-key", NOW))
    (tmp_path / name).unlink()
    with pytest.raises(NoSuchCounty, match=name):
        load_authority(tmp_path)


@pytest.mark.parametrize("name", ["issuing.key", "statement.key", "root.crt", "issuing.crt"])
def test_a_damaged_authority_is_refused(tmp_path: Path, name: str) -> None:
    save_authority(tmp_path, *create_authority("demo", bytes(32), b"secret-radio-key", NOW))
    (tmp_path / name).write_bytes(b"garbage")
    with pytest.raises(NoSuchCounty, match="damaged"):
        load_authority(tmp_path)


def test_keys_in_each_others_place_are_refused(tmp_path: Path) -> None:
    save_authority(tmp_path, *create_authority("demo", bytes(32), b"secret-radio-key", NOW))
    (tmp_path / "statement.key").write_bytes((tmp_path / "issuing.key").read_bytes())
    with pytest.raises(NoSuchCounty, match="wrong kind"):
        load_authority(tmp_path)


def test_no_county_under_a_name_that_is_none() -> None:
    with pytest.raises(Malformed):
        create_authority("a/b", bytes(32), b"secret-radio-key", NOW)


def test_a_broker_can_serve_with_what_it_is_given(authority: Authority, tmp_path: Path) -> None:
    server = authority.issue_server("demo", ["127.0.0.1"], NOW + timedelta(hours=1))
    (tmp_path / "crt").write_bytes(server.chain_pem)
    (tmp_path / "key").write_bytes(server.key_pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "crt", tmp_path / "key")
