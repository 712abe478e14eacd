"""The county authority: who vouches for nodes, towards the broker and towards each other.

    root CA (P-256) --> issuing CA (P-256) --> certificates of the broker and of every node
    statement key (Ed25519) --> enrolments, the word on a node's signing and sealing keys
    badge key (Ed25519) --> badges, and the list of those that are revoked

The TLS certificates only guard the connection; records are trusted because of the enrolments. The
root signs the issuing CA and nothing else, so its key can be taken off the machine afterwards.
Works on bytes; `bundle` writes them. Time is an argument.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protocol.ids import parse_name
from protocol.limits import RAW_KEY_BYTES
from protocol.suites import SigningKey
from provisioning.errors import BadPlan, NoSuchCounty

BACKDATE = timedelta(days=1)  # a neighbour's clock may be behind, or set to local time (UTC+8)
ROOT_LIFE = timedelta(days=20 * 365)  # longer than the hardware: replacing it visits every node
ISSUING_LIFE = timedelta(days=10 * 365)  # outlives every certificate issued in its first years
# Nothing renews a certificate over the air yet, and an expired one silences a township in an
# emergency: it must outlast two yearly services. A lost node is ended by the CRL, not by waiting.
NODE_LIFE = timedelta(days=3 * 365)
SERVER_LIFE = timedelta(days=3 * 365)
# A stale CRL makes the broker refuse everybody (measured, mosquitto 2.0.11), and nobody but the
# broker's own administrator could put an old one back: it never goes stale on its own.
CRL_LIFE = ISSUING_LIFE
COUNTY_KEY_BYTES = 32  # HMAC-SHA256 under a key of its own output size
RADIO_KEY_BYTES = RAW_KEY_BYTES  # everything on the radio follows from it: protocol.radio_keys

_DNS_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)


@dataclass(frozen=True)
class Credentials:
    """A private key and the certificates that vouch for it (leaf first, then the issuing CA)."""

    key_pem: bytes = field(repr=False)
    chain_pem: bytes
    serial: int
    """Names the leaf in a CRL."""


@dataclass(frozen=True)
class _Signer:
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate


@dataclass(frozen=True)
class AuthorityFiles:
    """The authority at rest, without the root's key. PEM, but for `county_key`, `radio_key`."""

    root_certificate: bytes
    issuing_key: bytes = field(repr=False)
    issuing_certificate: bytes
    statement_key: bytes = field(repr=False)
    badge_key: bytes = field(repr=False)
    county_key: bytes = field(repr=False)
    radio_key: bytes = field(repr=False)


@dataclass(frozen=True)
class Authority:
    """A county's authority, ready to issue."""

    issuing: _Signer
    root_certificate: x509.Certificate
    statement_key: SigningKey = field(repr=False)
    badge_key: SigningKey = field(repr=False)
    """Issues badges; every node is made with its public half."""
    county_key: bytes = field(repr=False)
    """Keys the credential digests of the whole county."""
    radio_key: bytes = field(repr=False)
    """What the radio keys of every node are derived from; only the gateway is given it."""

    @property
    def trust_pem(self) -> bytes:
        """What everybody in the county trusts: issuing CA and root."""
        return _pem(self.issuing.certificate) + _pem(self.root_certificate)

    def issue_server(self, county: str, hosts: Sequence[str], now: datetime) -> Credentials:
        """For the broker, under every address it is reached at. Raises `BadPlan`."""
        # The space keeps the common name from ever being a node's name.
        return self._issue(
            f"{county} broker",
            [_general_name(host) for host in hosts],
            ExtendedKeyUsageOID.SERVER_AUTH,
            now,
            SERVER_LIFE,
        )

    def issue_node(self, name: str, now: datetime) -> Credentials:
        """For one node: a client only, under its name. Raises `Malformed` for no name."""
        checked = parse_name(name)
        return self._issue(
            checked, [x509.DNSName(checked)], ExtendedKeyUsageOID.CLIENT_AUTH, now, NODE_LIFE
        )

    def revocation_list(self, serials: Iterable[int], number: int, now: datetime) -> bytes:
        """The CRL of the issuing CA, PEM; `number` rises with every list."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuing.certificate.subject)
            .last_update(now - BACKDATE)
            .next_update(now + CRL_LIFE)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(_key_of(self.issuing), critical=False)
        )
        for serial in serials:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            )
        signed = builder.sign(self.issuing.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def _issue(
        self,
        common_name: str,
        names: list[x509.GeneralName],
        purpose: x509.ObjectIdentifier,
        now: datetime,
        life: timedelta,
    ) -> Credentials:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _draft(common_name, key, now, life)
            .issuer_name(self.issuing.certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(_key_of(self.issuing), critical=False)
            .sign(self.issuing.key, hashes.SHA256())
        )
        chain = _pem(certificate) + _pem(self.issuing.certificate)
        return Credentials(_key_pem(key), chain, certificate.serial_number)


def create_authority(
    county: str, county_key: bytes, radio_key: bytes, now: datetime
) -> tuple[bytes, AuthorityFiles]:
    """Make a new county's root key (PEM) and everything else. Raises `Malformed` for no name."""
    parse_name(county)
    root_key = ec.generate_private_key(ec.SECP256R1())
    issuing_key = ec.generate_private_key(ec.SECP256R1())
    root_draft = _draft(f"{county} root", root_key, now, ROOT_LIFE)
    issuing_draft = _draft(f"{county} issuing", issuing_key, now, ISSUING_LIFE)
    root_name = _name(f"{county} root")
    return _key_pem(root_key), AuthorityFiles(
        root_certificate=_pem(_sign_ca(root_draft, root_name, root_key, path_length=1)),
        issuing_key=_key_pem(issuing_key),
        issuing_certificate=_pem(_sign_ca(issuing_draft, root_name, root_key, path_length=0)),
        statement_key=_key_pem(Ed25519PrivateKey.generate()),
        badge_key=_key_pem(Ed25519PrivateKey.generate()),
        county_key=county_key,
        radio_key=radio_key,
    )


def open_authority(files: AuthorityFiles) -> Authority:
    """Read an authority. Raises `NoSuchCounty` for damaged files."""
    try:
        issuing_key = serialization.load_pem_private_key(files.issuing_key, None)
        statement_key = serialization.load_pem_private_key(files.statement_key, None)
        badge_key = serialization.load_pem_private_key(files.badge_key, None)
        issuing = x509.load_pem_x509_certificate(files.issuing_certificate)
        root = x509.load_pem_x509_certificate(files.root_certificate)
    except ValueError as error:
        raise NoSuchCounty("the authority's files are damaged") from error
    if not (
        isinstance(issuing_key, ec.EllipticCurvePrivateKey)
        and isinstance(statement_key, Ed25519PrivateKey)
        and isinstance(badge_key, Ed25519PrivateKey)
    ):
        raise NoSuchCounty("the authority's keys are of the wrong kind")
    signer = _Signer(issuing_key, issuing)
    return Authority(signer, root, statement_key, badge_key, files.county_key, files.radio_key)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if _DNS_NAME.fullmatch(host) is None:
            raise BadPlan(f"{host!r} is neither an IP address nor a lower-case host name") from None
        return x509.DNSName(host)


def _draft(
    common_name: str, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _sign_ca(
    draft: x509.CertificateBuilder,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    path_length: int,
) -> x509.Certificate:
    return (
        draft.issuer_name(issuer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )


def _usage(*, digital_signature: bool = False, signs_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_of(signer: _Signer) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
