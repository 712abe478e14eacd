"""What a Meshtastic node says and is told, as far as we need it. Pure. hw/meshtastic.md 3."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from drivers.radios.protobuf import Message, bytes_field, fixed32_field, varint_field

PRIVATE_APP: Final = 256  # the port for whatever Meshtastic itself does not know
EVERYBODY: Final = 0xFFFF_FFFF
MAX_FRAME_BYTES: Final = 231  # section 5: what the firmware leaves of a packet
ONLY_CONFIG: Final = 69420  # the configuration without the list of all nodes


class Said(Enum):
    """What carries nothing but itself."""

    REBOOTED = auto()
    NOTHING = auto()  # valid, and of no use to us


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame from the air; the receiver's figures are None where it does not tell."""

    frame: bytes = field(repr=False)
    rssi_dbm: int | None
    snr_db: float | None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """What became of a packet (`result` 0: queued), and how full the queue is."""

    result: int
    free: int
    length: int
    packet_id: int

    @property
    def is_empty(self) -> bool:
        """Whether everything in it is on the air, or over."""
        return self.free >= self.length


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """How the node's radio is set, as it says."""

    region: int
    uses_preset: bool
    preset: int
    coding_rate: int
    may_send: bool
    power_dbm: int
    slot: int
    ignores_duty_cycle: bool
    override_mhz: float
    offset_mhz: float


@dataclass(frozen=True, slots=True)
class ConfigComplete:
    """The answer to `want_config` is whole."""

    request: int


@dataclass(frozen=True, slots=True)
class Firmware:
    """Its version."""

    version: str


FromRadio = Packet | QueueStatus | LoraConfig | ConfigComplete | Firmware | Said


def decode(message: bytes) -> FromRadio:
    """One `FromRadio`. Raises `ProtobufError`."""
    said = Message(message)
    if 2 in said:
        return _packet(Message(said.blob(2)))
    if 5 in said:
        config = Message(said.blob(5))
        return _lora(Message(config.blob(6))) if 6 in config else Said.NOTHING
    if 7 in said:
        return ConfigComplete(said.varint(7))
    if 8 in said:
        return Said.REBOOTED if said.varint(8) else Said.NOTHING
    if 11 in said:
        status = Message(said.blob(11))
        return QueueStatus(status.signed(1), status.varint(2), status.varint(3), status.varint(4))
    if 13 in said:
        version = Message(said.blob(13)).blob(1)
        return Firmware("".join(chr(byte) for byte in version if 0x20 < byte < 0x7F))
    return Said.NOTHING


def want_config() -> bytes:
    """The `ToRadio` that asks for the configuration, after which packets come."""
    return varint_field(3, ONLY_CONFIG)


def heartbeat() -> bytes:
    """The `ToRadio` that is answered by a `QueueStatus`; with a nonce it would do more."""
    return bytes_field(7, b"")


def broadcast(frame: bytes, packet_id: int) -> bytes:
    """The `ToRadio` that sends a frame to whoever hears this node, and to nobody beyond.

    Hop limit 0 and no `want_ack`, both by being absent: with `want_ack` the firmware would put in
    its own hop limit, and the mesh would flood each frame.
    """
    data = varint_field(1, PRIVATE_APP) + bytes_field(2, frame)
    packet = fixed32_field(2, EVERYBODY) + bytes_field(4, data) + fixed32_field(6, packet_id)
    return bytes_field(1, packet)


def _packet(packet: Message) -> FromRadio:
    """A frame; else `NOTHING`: for one node, still encrypted, by MQTT, on another port."""
    is_ours = packet.fixed32(2) == EVERYBODY and 4 in packet and not packet.varint(14)
    data = Message(packet.blob(4))
    frame = data.blob(2)
    if not is_ours or data.varint(1) != PRIVATE_APP or not frame:
        return Said.NOTHING
    rssi_dbm = packet.signed(12) if 12 in packet else None
    return Packet(frame, rssi_dbm, None if rssi_dbm is None else packet.float32(8))


def _lora(config: Message) -> LoraConfig:
    return LoraConfig(
        region=config.varint(7),
        uses_preset=bool(config.varint(1)),
        preset=config.varint(2),
        coding_rate=config.varint(5),
        may_send=bool(config.varint(9)),
        power_dbm=config.signed(10),
        slot=config.varint(11),
        ignores_duty_cycle=bool(config.varint(12)),
        override_mhz=config.float32(14),
        offset_mhz=config.float32(6),
    )
