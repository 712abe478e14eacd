"""Registers and commands; examples are those of hw/e22.md."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverConfigError
from drivers.radios.e22_frames import (
    AIR_RATES_BPS,
    E22,
    E220,
    Dialect,
    Mode,
    channel_of,
    has_switched,
    switch_command,
)
from drivers.radios.e22_settings import ModemSettings
from drivers.radios.e32_frames import E32

TOWNSHIP = ModemSettings(frequency_hz=471_125_000, address=3, network=0x5A, key=0x1234)
OLD = ModemSettings(frequency_hz=433_000_000, power_dbm=20, listens_first=False)
DIALECTS: list[tuple[Dialect, ModemSettings]] = [
    (E22, TOWNSHIP),
    (E220, replace(TOWNSHIP, network=0)),
    (E32, OLD),
]


@pytest.mark.parametrize(
    ("dialect", "settings", "expected"),
    [
        (E22, TOWNSHIP, "00 03 5A 62 01 3D 93 12 34"),
        (E22, replace(TOWNSHIP, power_dbm=30, module_dbm=30), "00 03 5A 62 00 3D 93 12 34"),
        (E22, replace(TOWNSHIP, listens_first=False), "00 03 5A 62 01 3D 83 12 34"),
        (E22, replace(TOWNSHIP, frequency_hz=868_125_000), "00 03 5A 62 01 12 93 12 34"),
        (E220, replace(TOWNSHIP, network=0), "00 03 62 01 3D 93 12 34"),
        (E32, OLD, "00 00 1A 17 44"),  # as delivered
    ],
)
def test_settings_become_registers(
    dialect: Dialect, settings: ModemSettings, expected: str
) -> None:
    assert dialect.registers(settings, by_software=False) == bytes.fromhex(expected)


def test_a_modem_without_pins_keeps_its_switch() -> None:
    registers = E22.registers(TOWNSHIP, by_software=True)
    assert registers[4] == 0x11
    assert switch_command(Mode.CONFIGURATION) == bytes.fromhex("C0 C1 C2 C3 02 02")
    assert has_switched(bytes.fromhex("00 C1 C2 C3 02 02"), Mode.CONFIGURATION)
    assert not has_switched(bytes.fromhex("C1 C2 C3 02 02"), Mode.NORMAL)


def test_commands_are_those_of_the_sheet() -> None:
    registers = E22.registers(TOWNSHIP, by_software=False)
    assert E22.read == bytes.fromhex("C1 00 09")
    assert E22.write(registers) == bytes.fromhex("C0 00 09") + registers
    assert E22.refresh(registers) == bytes.fromhex("C2 07 02 12 34")
    assert E220.read == bytes.fromhex("C1 00 08")
    assert E220.refresh(bytes(6) + b"\x12\x34") == bytes.fromhex("C2 06 02 12 34")
    assert E32.read == bytes.fromhex("C1 C1 C1")
    assert E32.write(bytes(5)) == bytes.fromhex("C0 00 00 00 00 00")


@pytest.mark.parametrize(
    ("dialect", "change"),
    [
        (E22, {"frequency_hz": 471_000_000}),
        (E22, {"frequency_hz": 494_125_000}),
        (E22, {"frequency_hz": 409_125_000}),
        (E22, {"power_dbm": 18}),
        (E22, {"module_dbm": 27}),
        (E22, {"air_bps": 1000}),
        (E22, {"address": 0x10000}),
        (E22, {"network": 256}),
        (E22, {"key": -1}),
        (E220, {"network": 1}),
        (E220, {"air_bps": 1200}),
        (E32, {"listens_first": True}),
        (E32, {"frequency_hz": 442_000_000}),
        (E32, {"frequency_hz": 433_125_000}),
        (E32, {"power_dbm": 22}),
        (E32, {"air_bps": 62500}),
        (E32, {"address": -1}),
        (E32, {"key": 1}),
    ],
)
def test_what_a_modem_cannot_do_is_refused(dialect: Dialect, change: dict[str, int]) -> None:
    settings = replace(next(own for its, own in DIALECTS if its is dialect), **change)  # type: ignore[arg-type]  # mypy takes one type for all fields
    with pytest.raises(DriverConfigError):
        dialect.registers(settings, by_software=False)


def test_every_channel_has_its_number() -> None:
    assert channel_of(410_125_000) == 0
    assert channel_of(493_125_000) == 83
    assert channel_of(850_125_000) == 0
    assert channel_of(930_125_000) == 80
    assert AIR_RATES_BPS.index(2400) == 2


@pytest.mark.parametrize(("dialect", "settings"), DIALECTS)
def test_an_answer_is_found_behind_junk(dialect: Dialect, settings: ModemSettings) -> None:
    registers = dialect.registers(settings, by_software=False)
    head = b"\xc0" if dialect is E32 else b"\xc1\x00" + bytes([len(registers)])
    for junk in (b"", b"\x00\x00", b"\xff"):
        assert dialect.found(junk + head + registers) == registers
        assert dialect.found(junk + head + registers[:-1]) is None


@pytest.mark.parametrize(("dialect", "settings"), DIALECTS)
def test_every_bit_that_matters_is_compared(dialect: Dialect, settings: ModemSettings) -> None:
    wanted = dialect.registers(settings, by_software=False)
    assert dialect.agrees(wanted, wanted)
    differing = [
        (at, bit)
        for at in range(len(wanted))
        for bit in range(8)
        if not dialect.agrees(flipped(wanted, at, bit), wanted)
    ]
    ignored = 8 * len(wanted) - len(differing)
    # E22, E220: 2 bits without a meaning, 4 of wake on radio, the key. E32: 3 and 3.
    assert ignored == (6 if dialect is E32 else 2 + 4 + 16)


def flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


@given(st.binary(max_size=40))
def test_any_answer_is_registers_an_identity_or_none(received: bytes) -> None:
    for dialect, settings in DIALECTS:
        wanted = dialect.registers(settings, by_software=False)
        found = dialect.found(received)
        assert found is None or len(found) == len(wanted)
        if found is not None:
            dialect.agrees(found, wanted)
        identity = dialect.identity(received)
        assert identity is None or identity.startswith(dialect.name)
