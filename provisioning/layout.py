"""Where everything lies in a county's folder.

    authority/          root.key root.crt issuing.key issuing.crt statement.key county.key badge.key
                        radio.key gateway.enrolment badges.issued badges.revoked radio.addresses
                        stays with the county; never on a node
    broker/             mosquitto.conf acl ca.pem server.crt server.key crl.pem
    gateway/            gateway.toml identity/ enrolments/NODE.enrolment badges.revoked
    terminals/NAME/     terminal.toml identity/
    county.toml         name, titles, broker, gateway, points

An identity folder holds node.identity tls.key tls.crt ca.pem; gateway/ and terminals/NAME/ may be
moved to their machines as they are.
"""

from pathlib import Path

from runtime.tls import CA, NODE_CERTIFICATE, NODE_KEY

NODE_IDENTITY = "node.identity"
IDENTITY_SECRETS = (NODE_IDENTITY, NODE_KEY)
IDENTITY_FILES = (*IDENTITY_SECRETS, NODE_CERTIFICATE, CA)
COUNTY_TOML = "county.toml"
GATEWAY_TOML = "gateway.toml"
TERMINAL_TOML = "terminal.toml"
IDENTITY = "identity"
ENROLMENTS = "enrolments"
DATA = "data"
REVOKED_BADGES = "badges.revoked"


class CountyFolder:
    """The paths of one county."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.county_toml = folder / COUNTY_TOML
        self.authority = folder / "authority"
        self.gateway_enrolment = self.authority / "gateway.enrolment"
        self.issued_badges = self.authority / "badges.issued"
        self.revoked_badges = self.authority / REVOKED_BADGES
        self.radio_addresses = self.authority / "radio.addresses"
        self.broker = folder / "broker"
        self.gateway = folder / "gateway"
        self.gateway_revoked_badges = self.gateway / REVOKED_BADGES
        self.enrolments = self.gateway / ENROLMENTS

    def terminal(self, name: str) -> Path:
        """The folder of one terminal."""
        return self.folder / "terminals" / name

    def enrolment(self, node: str) -> Path:
        """What the gateway is told of one terminal."""
        return self.enrolments / f"{node}.enrolment"
