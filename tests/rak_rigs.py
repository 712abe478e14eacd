"""RAK3172 modems on cables and the ether of `tests.radio_rigs`."""

import asyncio
from dataclasses import dataclass, field

from drivers.radios.rak3172 import Rak3172Radio
from drivers.radios.rak3172_settings import RakSettings
from sim.air.antenna import OnSignal, Signal
from sim.air.lora import LoraSettings
from sim.devices.line import PacedLine
from sim.devices.rak3172 import SimRak3172
from sim.faults import FAULTS, FaultyLine
from sim.memory import MemoryCable
from tests.radio_rigs import QUIET_DBM, RSSI_DBM, Ether, Rig

BAUD = 115_200
SNR_DB = 7.0
SITE = RakSettings(frequency_hz=471_100_000)
HIGH_SITE = RakSettings(
    frequency_hz=868_100_000, spreading_factor=7, power_dbm=14, listens_first=False
)

RakRig = Rig[SimRak3172, Rak3172Radio]


@dataclass
class EtherAntenna:
    """A `sim.air.antenna.Antenna` on the ether; `hears` is false for one that gets no frame."""

    ether: Ether
    name: str
    on_signal: OnSignal
    damages: int = field(default=0)
    """So many of the next frames arrive with a CRC error."""

    def hear(self, frame: bytes, rssi_dbm: float) -> None:
        is_damaged, self.damages = self.damages > 0, max(0, self.damages - 1)
        self.on_signal(Signal(None if is_damaged else frame, rssi_dbm, SNR_DB))

    async def listen(self, settings: LoraSettings | None) -> None:
        self.ether.tuned[self.name] = settings

    async def transmit(self, frame: bytes, settings: LoraSettings) -> None:
        await self.ether.carry(self.name, frame, settings)

    async def channel_dbm(self, settings: LoraSettings) -> float:
        return RSSI_DBM if self.ether.is_taken(settings) else QUIET_DBM

    async def cad(self, settings: LoraSettings) -> bool:
        await asyncio.sleep(0)
        return self.ether.is_taken(settings)

    async def close(self) -> None:
        self.ether.tuned[self.name] = None


@dataclass(frozen=True)
class RakFamily:
    """A row: board, settings that suit it, and whether its echo is on."""

    settings: RakSettings
    is_high_band: bool = False
    has_echo: bool = False
    has_rssi: bool = True
    is_set_by_owner: bool = False

    def rig(self, ether: Ether, name: str, seed: int = 0) -> RakRig:
        cable = MemoryCable()
        line = FaultyLine(PacedLine(cable.device, BAUD), FAULTS["clean"], seed)

        async def attach(on_signal: OnSignal) -> EtherAntenna:
            antenna = EtherAntenna(ether, name, on_signal)
            ether.modems[name] = antenna
            return antenna

        modem = SimRak3172(line, attach, is_high_band=self.is_high_band)
        modem.memory.has_echo = self.has_echo
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        radio = Rak3172Radio(cable.host, settings=self.settings, on_ready=ready.set_result)
        return Rig(modem, radio, cable, line, ready, spoil=modem.forget)


FAMILIES = {
    "rak3172": RakFamily(SITE),
    "rak3172-H": RakFamily(HIGH_SITE, is_high_band=True),
    "rak3172 with echo": RakFamily(SITE, has_echo=True),
}
