"""The simulated EByte modem against the transcripts of hw/e22.md, byte for byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from sim.clock import Run
from sim.devices.e22 import MODEL_E22, MODEL_E32, MODEL_E220, Mode, Model, SimE22
from sim.devices.e22_memory import Facts
from sim.memory import MemoryCable

CONFIG_PINS = {MODEL_E22: 0b10, MODEL_E220: 0b11, MODEL_E32: 0b11}
AIRTIME_S = 0.4


@dataclass
class Sky:
    """An antenna alone under the sky: what it sent, and when it was over."""

    sent: list[tuple[bytes, Facts, float]] = field(default_factory=list)
    is_noisy: bool = False
    listened: list[int | None] = field(default_factory=list)
    """Frequencies, in Hz."""

    async def listen(self, facts: Facts | None) -> None:
        self.listened.append(None if facts is None else facts.frequency_hz)

    async def send(self, frame: bytes, facts: Facts) -> None:
        await asyncio.sleep(AIRTIME_S)
        self.sent.append((frame, facts, asyncio.get_running_loop().time()))

    async def level_dbm(self, facts: Facts) -> float:
        return -60.0 if self.is_noisy else -117.0 + (facts.bandwidth_hz > 125_000)

    async def is_taken(self, facts: Facts) -> bool:
        return self.is_noisy and facts.listens_first

    @property
    def payloads(self) -> list[bytes]:
        return [frame[6:] for frame, _, _ in self.sent]


@dataclass
class Host:
    modem: SimE22
    cable: MemoryCable
    sky: Sky

    def mode(self) -> Mode:
        return self.modem.mode

    async def set_pins(self, levels: int) -> None:
        self.modem.set_pins(levels)
        await asyncio.sleep(0.1)

    async def say(self, text: str) -> str:
        """Bytes in hex to the modem, and what it answers within a second."""
        await self.cable.host.write(bytes.fromhex(text))
        return await self.hear()

    async def hear(self) -> str:
        await asyncio.sleep(1)
        try:
            async with asyncio.timeout(0.01):
                return (await self.cable.host.read()).hex(" ").upper()
        except TimeoutError:
            return ""

    async def set_up(self, text: str) -> None:
        await self.set_pins(CONFIG_PINS[MODEL_E22])
        await self.say(text)
        await self.set_pins(0b00)


@asynccontextmanager
async def host(model: Model = MODEL_E22, *, aux_covers_air: bool = False) -> AsyncIterator[Host]:
    cable, sky = MemoryCable(), Sky()
    modem = SimE22(cable.device, sky, model=model, aux_covers_air=aux_covers_air)
    running = asyncio.create_task(modem.run())
    try:
        yield Host(modem, cable, sky)
    finally:
        running.cancel()


TRANSCRIPTS = [
    (MODEL_E22, ("C1 00 09", "C1 00 09 00 00 00 62 00 17 03 00 00")),
    (MODEL_E22, ("C0 05 01 09", "C1 05 01 09"), ("C1 05 01", "C1 05 01 09")),
    (
        MODEL_E22,
        ("C2 00 04 12 34 00 61", "C1 00 04 12 34 00 61"),
        ("C1 00 04", "C1 00 04 12 34 00 61"),
    ),
    (
        MODEL_E22,
        ("C0 00 09 00 03 5A 62 21 3D D3 12 34", "C1 00 09 00 03 5A 62 21 3D D3 12 34"),
        ("C1 00 09", "C1 00 09 00 03 5A 62 21 3D D3 00 00"),
    ),
    (MODEL_E22, ("C1 80 07", "C1 80 07 00 22 10 16 0B 00 00")),
    (MODEL_E22, ("41 54 0D 0A", "FF FF FF")),
    (MODEL_E22, ("C1 00 0A", "FF FF FF"), ("C0 08 02 01 02", "FF FF FF")),
    (MODEL_E22, ("C0 05", "FF FF FF"), ("C1 05 01", "C1 05 01 17")),
    (MODEL_E220, ("C0 00 03 12 34 62", "C1 00 03 12 34 62")),
    (MODEL_E220, ("C1 00 08", "C1 00 08 00 00 62 00 17 03 00 00")),
    (MODEL_E220, ("C1 00 09", "FF FF FF")),
    (MODEL_E32, ("C1 C1 C1", "C2 00 00 1A 17 44"), ("C3 C3 C3", "C3 32 45 14")),
    (
        MODEL_E32,
        ("C2 00 01 1A 06 44", "C2 00 01 1A 06 44"),
        ("C1 C1 C1", "C2 00 01 1A 06 44"),
        ("C4 C4 C4", ""),
        ("C1 C1 C1", "C2 00 00 1A 17 44"),
    ),
]


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=str)
def test_transcripts_in_configuration_mode(
    run: Run, transcript: tuple[Model, *tuple[tuple[str, str], ...]]
) -> None:
    model, *exchanges = transcript

    async def main() -> None:
        async with host(model) as it:
            await it.set_pins(CONFIG_PINS[model])
            for said, answer in exchanges:
                assert await it.say(said) == answer

    run(main())


def test_volatile_settings_go_with_the_power(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            await it.set_pins(0b10)
            await it.say("C0 05 01 20")
            await it.say("C2 05 01 21")
            it.modem.lose_power()
            assert await it.say("C1 05 01") == "C1 05 01 20"

    run(main())


def test_addressed_sending_goes_elsewhere_and_leaves_out_its_head(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            await it.set_up("C0 00 09 00 03 5A 62 21 3D D3 12 34")
            assert await it.say("00 01 3D AA BB CC") == ""
            (frame, facts, _) = it.sky.sent[0]
            assert it.sky.payloads == [bytes.fromhex("AA BB CC")]
            assert (facts.address, facts.frequency_hz, facts.power_dbm) == (1, 471_125_000, 17)
        async with host() as far:
            await far.set_up("C0 00 09 00 01 5A 62 21 3D D3 12 34")
            far.modem.hear(frame, -90)
            assert await far.hear() == "AA BB CC A6"

    run(main())


@pytest.mark.parametrize(
    "registers",
    [
        "00 02 5A 62 21 3D D3 12 34",  # another address
        "00 01 5B 62 21 3D D3 12 34",  # network
        "00 01 5A 62 21 3D D3 12 35",  # key
    ],
)
def test_what_is_for_others_is_not_given_out(run: Run, registers: str) -> None:
    async def main() -> None:
        async with host() as it:
            await it.set_up("C0 00 09 00 01 5A 62 21 3D D3 12 34")
            await it.say("00 01 3D AA BB CC")
            frame = it.sky.sent[0][0]
        async with host() as far:
            await far.set_up("C0 00 09" + registers)
            far.modem.hear(frame, -90)
            assert await far.hear() == ""
            await far.set_up("C0 00 09 FF FF 5A 62 21 3D D3 12 34")  # hears all
            far.modem.hear(frame, -90)
            assert await far.hear() == "AA BB CC A6"

    run(main())


def test_commands_in_the_midst_of_data(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            assert await it.say("C0 C1 C2 C3 00 02") == ""  # as delivered, it is data
            await it.set_up("C0 04 01 30")
            assert await it.say("C0 C1 C2 C3 00 02") == "C1 00 02 8B 81"
            assert await it.say("C0 C1 C2 C3 02 02") == "C1 C2 C3 02 02"
            assert it.mode() is Mode.CONFIGURATION
            assert await it.say("C1 05 01") == "C1 05 01 17"
            assert await it.say("C0 C1 C2 C3 02 00") == "C1 C2 C3 02 00"
            assert it.mode() is Mode.NORMAL
            assert len(it.sky.sent) == 1

    run(main())


def test_another_modem_is_set_up_by_radio(run: Run) -> None:
    async def main() -> None:
        async with host() as it, host() as far:
            await it.say("CF CF C0 05 01 09")
            far.modem.hear(it.sky.sent[0][0], -80)
            await asyncio.sleep(1)
            assert far.modem.memory.facts.frequency_hz == 419_125_000
            assert it.modem.memory.facts.frequency_hz == 433_125_000
            answer, facts, _ = far.sky.sent[0]
            assert facts.frequency_hz == 433_125_000
            it.modem.hear(answer, -80)
            assert await it.hear() == "CF CF C1 05 01 09"

    run(main())


def test_long_writes_are_split_and_what_does_not_fit_is_lost(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            await it.cable.host.write(bytes(1100))
            await asyncio.sleep(10)
            assert [len(payload) for payload in it.sky.payloads] == [240] * 4 + [40]
            assert it.modem.overflown_bytes == 100
            await it.set_up("C0 04 01 C0")
            await it.cable.host.write(bytes(70))
            await asyncio.sleep(10)
            assert [len(payload) for payload in it.sky.payloads[5:]] == [32, 32, 6]

    run(main())


def test_two_writes_with_a_pause_are_two_packets_and_without_one_are_one(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            for piece in (b"one ", b"packet"):
                await it.cable.host.write(piece)
            await asyncio.sleep(0.1)
            await it.cable.host.write(b"another")
            await asyncio.sleep(2)
            assert it.sky.payloads == [b"one packet", b"another"]

    run(main())


@pytest.mark.parametrize("aux_covers_air", [False, True])
def test_aux_is_low_while_it_is_busy(run: Run, aux_covers_air: bool) -> None:
    async def main() -> None:
        async with host(aux_covers_air=aux_covers_air) as it:
            now_s = asyncio.get_running_loop().time
            await it.cable.host.write(bytes(96))  # 0.1 s of the line
            await asyncio.sleep(0.05)
            assert not it.modem.aux_is_high
            for _ in range(1000):
                await asyncio.sleep(0.001)
                if it.modem.aux_is_high:
                    break
            risen_s = now_s()
            await asyncio.sleep(1)
            sent_s = it.sky.sent[0][2]
            if aux_covers_air:
                assert risen_s == pytest.approx(sent_s, abs=0.002)
            else:
                assert risen_s == pytest.approx(sent_s - AIRTIME_S, abs=0.002)
            assert it.modem.aux_falls == 1

    run(main())


def test_a_change_of_mode_waits_for_what_is_being_sent(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            await it.cable.host.write(b"first")
            await asyncio.sleep(0.05)
            it.modem.set_pins(0b10)
            await asyncio.sleep(0.05)
            assert it.mode() is Mode.NORMAL
            await asyncio.sleep(1)
            assert it.mode() is Mode.CONFIGURATION
            assert it.sky.payloads == [b"first"]

    run(main())


def test_the_air_is_told_what_it_listens_for(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            await it.set_up("C0 05 01 3D")
            it.modem.forget()
            await it.set_pins(0b11)
            assert it.sky.listened == [433_125_000, None, 471_125_000, 433_125_000, None]

    run(main())


def test_it_is_deaf_while_it_sends_sleeps_or_is_set_up(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            await it.say("01 02")
            frame = it.sky.sent[0][0]
            await it.cable.host.write(b"sending")
            await asyncio.sleep(0.1)
            it.modem.hear(frame, -90)
            assert await it.hear() == ""
            for levels in (0b10, 0b11):
                await it.set_pins(levels)
                it.modem.hear(frame, -90)
                assert await it.hear() == ""
            await it.set_pins(0b00)
            it.modem.hear(frame, -90)
            assert await it.hear() == "01 02"

    run(main())


def test_listening_first_waits_two_seconds_at_most(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            await it.set_up("C0 06 01 13")
            it.sky.is_noisy = True
            start_s = asyncio.get_running_loop().time()
            await it.cable.host.write(b"now")
            await asyncio.sleep(5)
            assert it.sky.sent[0][2] - start_s == pytest.approx(2 + AIRTIME_S, abs=0.05)

    run(main())


def test_faults(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            await it.set_pins(0b10)
            it.modem.junk_before_answers = b"\x00\x00"
            assert await it.say("C1 05 01") == "00 00 C1 05 01 17"
            it.modem.stick_aux(True)
            assert not it.modem.aux_is_high
            await it.set_pins(0b00)
            assert it.mode() is Mode.CONFIGURATION
            it.modem.die()
            assert await it.say("C1 05 01") == ""

    run(main())


def test_air_rates_are_what_the_sheet_assumes(run: Run) -> None:
    async def main() -> None:
        async with host() as it:
            assert it.modem.memory.facts == replace(
                it.modem.memory.facts, spreading_factor=9, bandwidth_hz=125_000, power_dbm=22
            )
            await it.set_up("C0 03 01 67")
            assert it.modem.memory.facts.spreading_factor == 5

    run(main())
