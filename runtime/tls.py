"""TLS to the county's broker: mutual, 1.3, the county's own authority only.

A board without a battery clock wakes up in 2000, when no certificate is valid yet, and would never
connect again. While the clock is certainly wrong the check of dates is replaced, never dropped:
a certificate that had expired before the time floor is refused, and chain, name and purpose are
checked as ever (docs/decisions/0003-time-floor.md).

    TlsError                     the connection must not be used
    +-- PeerCertificateExpired   give up until the broker has a new certificate
    +-- IdentityUnusable         the operator must act: certificate or key missing or damaged
"""

import ssl
from enum import Enum
from pathlib import Path
from typing import Any

from runtime.clock import SystemClock

NODE_KEY = "tls.key"
NODE_CERTIFICATE = "tls.crt"
CA = "ca.pem"

# X509_V_FLAG_NO_CHECK_TIME of <openssl/x509_vfy.h>, which Python has no name for.
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)


class TlsError(ssl.SSLError):
    """The connection must not be used. An `OSError`, so that an MQTT client tries again later."""


class PeerCertificateExpired(TlsError):
    """The broker's certificate had expired before a time that has certainly been reached."""


class IdentityUnusable(TlsError):
    """The node's certificate, its key or the authority's certificate cannot be used."""


def client_context(identity: Path, clock: SystemClock) -> ssl.SSLContext:
    """What a node connects with; `identity` holds its `tls.key`, `tls.crt` and `ca.pem`.

    One context serves a process for ever: the rule of the time floor is applied anew to every
    connection. Only for sockets (`wrap_socket`). Raises `IdentityUnusable`.
    """
    context = _ClientContext(ssl.PROTOCOL_TLS_CLIENT, clock)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.sslsocket_class = _DatedSocket
    try:
        context.load_verify_locations(identity / CA)
        context.load_cert_chain(identity / NODE_CERTIFICATE, identity / NODE_KEY)
    except OSError as error:  # ssl.SSLError is one
        raise IdentityUnusable(f"{identity}: certificate or key: {error}") from error
    return context


def check_peer_dates(connection: ssl.SSLSocket, floor_ms: int) -> None:
    """Refuse a peer whose certificate had expired before `floor_ms` (Unix time).

    Sockets of `client_context` do this themselves at the end of every handshake. The authorities
    above the certificate are not looked at: they outlive the hardware. Raises
    `PeerCertificateExpired`.
    """
    certificate = connection.getpeercert()
    if not certificate:
        raise PeerCertificateExpired("the peer showed no certificate that was verified")
    not_after = str(certificate["notAfter"])
    if ssl.cert_time_to_seconds(not_after) * 1000 < floor_ms:
        raise PeerCertificateExpired(f"the broker's certificate expired on {not_after}")


class _ClientContext(ssl.SSLContext):
    """Looks at the clock before each connection, because both the clock and its floor move."""

    def __init__(self, _protocol: int, clock: SystemClock) -> None:
        self.clock = clock

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        """See `ssl.SSLContext.wrap_socket`."""
        if self.clock.is_behind_floor():
            self.verify_flags |= NO_CHECK_TIME
        else:
            self.verify_flags &= ~NO_CHECK_TIME
        return super().wrap_socket(*args, **options)

    def wrap_bio(self, *_args: Any, **_options: Any) -> ssl.SSLObject:
        """Refused: nothing would check the dates afterwards."""
        raise NotImplementedError("a node's TLS context connects sockets only")


class _DatedSocket(ssl.SSLSocket):
    """A handshake is complete only once the peer's dates have been compared with the floor."""

    def do_handshake(self, block: bool = False) -> None:
        """See `ssl.SSLSocket.do_handshake`; also raises `PeerCertificateExpired`."""
        context = self.context
        try:
            super().do_handshake(block)
            if isinstance(context, _ClientContext):
                check_peer_dates(self, context.clock.floor_ms)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            self.close()  # paho lets go of a socket whose handshake failed without closing it
            raise


class Trouble(Enum):
    """What a failed connection most probably means, and what the operator can do about it."""

    CLOCK_BEHIND = (
        "本机时钟偏慢，服务器证书尚未生效。请校准时间或等待卫星定位。",
        "This clock is behind: the broker's certificate is not valid yet. Set the time.",
    )
    BROKER_EXPIRED = (
        "服务器证书已过期，或本机时钟偏快。时间无误则需县级换发证书。",
        "The broker's certificate has expired, or this clock is ahead. Check the time first.",
    )
    UNKNOWN_AUTHORITY = (
        "对方不是本县的服务器。请核对服务器地址和本机的身份文件夹。",
        "The other end is not this county's broker. Check its address and the identity folder.",
    )
    WRONG_NAME = (
        "服务器证书不含所用的地址。请使用证书中的地址，或由县级重新签发。",
        "The broker's certificate is not for this address. Use an address that it names.",
    )
    IDENTITY = (
        "本机的证书或密钥缺失或损坏。请运行 muster doctor。",
        "This node's certificate or key is missing or damaged. Run muster doctor.",
    )
    REFUSED = (
        "服务器拒绝了本机：证书可能已吊销或过期。请向县级确认。",
        "The broker refused this node: its certificate may be revoked or expired. Ask the county.",
    )
    NOT_TLS = (
        "对方不支持 TLS 1.3，或端口不对。请核对服务器端口。",
        "The other end does not speak TLS 1.3, or the port is wrong. Check the broker's port.",
    )
    UNREACHABLE = (
        "连不上服务器：网络不通，或服务器未运行。",
        "The broker cannot be reached: no network, or it is not running.",
    )

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        self.en = en


# <openssl/x509_vfy.h>
_VERIFY_CODES = {
    9: Trouble.CLOCK_BEHIND,  # X509_V_ERR_CERT_NOT_YET_VALID
    10: Trouble.BROKER_EXPIRED,  # X509_V_ERR_CERT_HAS_EXPIRED
    62: Trouble.WRONG_NAME,  # X509_V_ERR_HOSTNAME_MISMATCH
    64: Trouble.WRONG_NAME,  # X509_V_ERR_IP_ADDRESS_MISMATCH
}
_WRONG_PROTOCOL = ("WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION")


def diagnose(error: BaseException | None) -> Trouble:
    """What a failed connection most probably means.

    `None` stands for "TLS went well, then the broker hung up without a word": with TLS 1.3 a
    client learns that its certificate was refused only after its own handshake is over.
    """
    match error:
        case None:
            return Trouble.REFUSED
        case PeerCertificateExpired():
            return Trouble.BROKER_EXPIRED
        case IdentityUnusable():
            return Trouble.IDENTITY
        case ssl.SSLCertVerificationError():
            return _VERIFY_CODES.get(error.verify_code, Trouble.UNKNOWN_AUTHORITY)
        case ssl.SSLError():
            wrong = any(name in str(error) for name in _WRONG_PROTOCOL)
            return Trouble.NOT_TLS if wrong else Trouble.REFUSED
        case _:
            return Trouble.UNREACHABLE


def explain(error: BaseException | None, lang: str = "en") -> str:
    """`diagnose` as the sentence for the operator, in `zh` or `en`."""
    trouble = diagnose(error)
    return trouble.zh if lang == "zh" else trouble.en
