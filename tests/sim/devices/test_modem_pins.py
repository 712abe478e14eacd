"""A simulated modem's M0, M1 and AUX as a program finds them on the header."""

import asyncio

from sim.clock import Run
from sim.devices.e22 import Mode
from sim.devices.header import INPUT, OUTPUT, Pull, SimHeader
from sim.devices.modem_pins import ModemWiring, WiredModem
from sim.memory import MemoryCable
from sim.modem_rig import ModemRig

WIRING = ModemWiring(m0=5, m1=6, aux=7)


def test_the_header_drives_the_mode_and_reads_aux(run: Run) -> None:
    async def main() -> None:
        header, rig = SimHeader(), ModemRig("e22", MemoryCable().device)
        WiredModem(rig.modem, header, WIRING)
        for pull in Pull:  # AUX is pushed both ways
            header.set_pull(WIRING.aux, pull)
            assert header.level(WIRING.aux) == 1
        header.write(WIRING.m0, 0)
        header.write(WIRING.m1, 1)
        assert header.level(WIRING.aux) == 0
        await asyncio.sleep(0.1)
        assert (header.level(WIRING.aux), rig.modem.mode) == (1, Mode.CONFIGURATION)
        header.write(WIRING.m1, 0)
        await asyncio.sleep(0.1)
        assert rig.modem.mode is Mode.NORMAL
        rig.modem.stick_aux(True)
        assert header.level(WIRING.aux) == 0

    run(main())


def test_pins_nobody_drives_are_as_they_are_pulled(run: Run) -> None:
    async def main() -> None:
        header, rig = SimHeader(), ModemRig("e22", MemoryCable().device)
        WiredModem(rig.modem, header, WIRING)
        for pin in (WIRING.m0, WIRING.m1):
            header.set_mode(pin, INPUT)
            header.set_pull(pin, Pull.UP)
        await asyncio.sleep(0.1)
        assert rig.modem.mode is Mode.SLEEP

    run(main())


def test_a_chip_drives_inputs_only_and_a_contact_is_stronger() -> None:
    header = SimHeader()
    header.push(3, 1)
    assert header.level(3) == 1
    header.ground(3, True)
    assert header.level(3) == 0
    header.set_mode(3, OUTPUT)
    assert header.level(3) == 0
