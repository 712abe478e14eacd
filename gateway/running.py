"""What the gateway's configuration and database say is going on: points and activation."""

import msgspec

from gateway.settings import GatewaySettings
from gateway.store.rosters import RosterStore
from protocol.downlink import Activation, Mode
from protocol.roster import Point


def points_of(settings: GatewaySettings) -> list[Point]:
    """The county's assembly points, as a roster names them."""
    return [Point(each.name, each.title_zh, each.title_en) for each in settings.points]


def start_activation(store: RosterStore, settings: GatewaySettings, now_ms: int) -> Activation:
    """The muster of the configuration; one that was not there before begins now."""
    return _activation(settings, *store.activation(_definition(settings), now_ms))


def running_activation(store: RosterStore, settings: GatewaySettings) -> Activation | None:
    """The same, if a gateway has begun it already; only a gateway begins a muster."""
    running = store.running_activation(_definition(settings))
    return None if running is None else _activation(settings, *running)


def _definition(settings: GatewaySettings) -> bytes:
    return msgspec.msgpack.encode(settings.activation)


def _activation(settings: GatewaySettings, number: int, started_ms: int) -> Activation:
    wanted = settings.activation
    return Activation(
        number,
        wanted.title_zh,
        wanted.title_en,
        Mode[wanted.mode.upper()],
        started_ms,
        wanted.target_percent,
        wanted.target_minutes,
    )
