"""Meshtastic nodes on cables and the ether of `tests.radio_rigs`."""

import asyncio
import zlib
from dataclasses import dataclass

from drivers.radios.meshtastic import MeshtasticRadio
from drivers.radios.meshtastic_settings import MeshSettings
from sim.air.antenna import OnSignal
from sim.devices.line import PacedLine
from sim.devices.meshtastic import SimMeshtastic
from sim.devices.meshtastic_memory import NodeSettings
from sim.faults import FAULTS, FaultyLine
from sim.memory import MemoryCable
from tests.radio_rigs import Ether, Rig
from tests.rak_rigs import EtherAntenna

BAUD = 115_200
SITE = MeshSettings(region="CN470", frequency_hz=470_625_000, power_dbm=14)
NODE = NodeSettings(region="CN", preset="MEDIUM_FAST", slot=3, power_dbm=14)
EU_SITE = MeshSettings("EU868", 869_525_000, 20, preset="SHORT_FAST")
EU_NODE = NodeSettings(region="EU_868", preset="SHORT_FAST", power_dbm=20, override_mhz=869.525)

MeshRig = Rig[SimMeshtastic, MeshtasticRadio]


@dataclass(frozen=True)
class MeshFamily:
    """A row: a site, a node its owner has set so, and whether its firmware signs."""

    settings: MeshSettings
    node: NodeSettings
    signs: bool = True
    has_rssi: bool = True
    is_set_by_owner: bool = True

    def rig(self, ether: Ether, name: str, seed: int = 0) -> MeshRig:
        cable = MemoryCable()
        line = FaultyLine(PacedLine(cable.device, BAUD), FAULTS["clean"], seed)

        async def attach(on_signal: OnSignal) -> EtherAntenna:
            antenna = EtherAntenna(ether, name, on_signal)
            ether.modems[name] = antenna
            return antenna

        modem = SimMeshtastic(
            line,
            attach,
            node=zlib.crc32(name.encode()),
            settings=self.node,
            signs=self.signs,
            seed=seed,
        )

        async def spoil() -> None:
            await modem.become(NodeSettings())

        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        radio = MeshtasticRadio(cable.host, settings=self.settings, on_ready=ready.set_result)
        return Rig(modem, radio, cable, line, ready, spoil)


FAMILIES = {
    "meshtastic": MeshFamily(SITE, NODE),
    "meshtastic before 2.8": MeshFamily(EU_SITE, EU_NODE, signs=False),
}
