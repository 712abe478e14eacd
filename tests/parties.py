"""One county's keys in memory: an authority, a gateway, and terminals the authority vouches for."""

from itertools import count

from protocol.badge import issuers_of
from protocol.keys import (
    GATEWAY_RADIO_ADDRESS,
    Enrolment,
    Identity,
    Peer,
    Role,
    issue_enrolment,
    verify_enrolment,
)
from protocol.radio_keys import group_radio_key, node_radio_key
from protocol.suites import OpeningKey, SigningKey

COUNTY = "demo"
GATEWAY = "gateway"
COUNTY_KEY = bytes(range(32))
RADIO_KEY = bytes(range(64, 96))
NOW_MS = 1_790_000_000_000
BADGE_KEY = SigningKey.from_private_bytes(bytes(range(32, 64)))
"""Issues badges in every county of the tests."""


class Parties:
    """Makes nodes whose enrolments hold."""

    def __init__(self, county: str = COUNTY) -> None:
        self.county = county
        self.authority = SigningKey.generate()
        self._addresses = count(1)
        self.gateway = self._node(GATEWAY, (), GATEWAY_RADIO_ADDRESS, RADIO_KEY)
        self.gateway_peer = self.peer(self.gateway, Role.GATEWAY)

    def terminal(self, node: str) -> Identity:
        """A terminal that knows the gateway."""
        key = node_radio_key(RADIO_KEY, self.county, node)
        return self._node(node, (self.gateway_peer,), next(self._addresses), key)

    def peer(self, identity: Identity, role: Role = Role.TERMINAL) -> Peer:
        """The node as others know it."""
        return verify_enrolment(self.authority.public_key(), self.enrolment(identity, role))

    def enrolment(self, identity: Identity, role: Role = Role.TERMINAL) -> bytes:
        """The authority's word on a node."""
        return issue_enrolment(
            self.authority,
            Enrolment(
                identity.county,
                identity.node,
                role,
                identity.signing_key.public_key().public_bytes_raw(),
                identity.opening_key.public_key().public_bytes_raw(),
                "qingshan" if role is Role.TERMINAL else "",
                NOW_MS,
                identity.radio_address,
            ),
        )

    def _node(
        self, node: str, peers: tuple[Peer, ...], radio_address: int, radio_key: bytes
    ) -> Identity:
        return Identity(
            self.county,
            node,
            SigningKey.generate(),
            OpeningKey.generate(),
            COUNTY_KEY,
            self.authority.public_key(),
            peers,
            issuers_of([BADGE_KEY.public_key()]),
            radio_address,
            radio_key,
            group_radio_key(RADIO_KEY, self.county),
        )
