"""What every way to the gateway owes the terminal, and what it tells it."""

from typing import Protocol

from protocol.health import Heartbeat


class Link(Protocol):
    """A way to the gateway. It may lose, repeat or reorder; it must not alter.

    Must: call the listener from the event loop only; raise `ConnectionError` from `send_envelope`
    when the message has certainly not gone out. A return from it promises nothing.
    """

    def send_envelope(self, message: bytes) -> None:
        """Hand over a signed envelope."""

    def send_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Tell the county how we fare, if that is possible now."""

    async def run(self) -> None:
        """Keep the link up until cancelled."""


class LinkListener(Protocol):
    """What a terminal hears from a link. Messages are unverified."""

    def link_up(self, window: int) -> None:
        """Up to `window` envelopes may be under way at once."""

    def link_down(self, *, refused: bool) -> None:
        """The way is closed; `refused` when the other side will not have us."""

    def turned_away(self) -> None:
        """The link stands, but the other side passes nothing of ours on: the operator must act.

        What was sent is sent again as if it were lost, so that it leaves once that is put right.
        """

    def gateway_state(self, *, is_online: bool) -> None:
        """Whether a gateway is listening behind the broker."""

    def receipt(self, message: bytes) -> None:
        """A receipt came."""

    def refusal(self, message: bytes) -> None:
        """A refusal came."""

    def roster_part(self, message: bytes) -> None:
        """A part of a roster came."""

    def activation(self, message: bytes) -> None:
        """An activation came."""

    def revocations(self, message: bytes) -> None:
        """A list of revoked badges came."""

    def bulletin(self, message: bytes) -> None:
        """A bulletin came."""
