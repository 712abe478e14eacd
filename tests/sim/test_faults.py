import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clock import Run
from sim.devices.line import PacedLine
from sim.faults import (
    FAULTS,
    Fault,
    FaultyLine,
    bit_flip,
    clean,
    line_noise,
    one_byte_at_a_time,
    torn,
)
from sim.memory import MemoryCable

DATA = bytes(range(200))


def arrives(fault: Fault, seed: int = 0, data: bytes = DATA) -> bytes:
    return b"".join(fault(data, Random(seed)))


@pytest.mark.parametrize("fault", FAULTS.values())
def test_the_same_seed_is_the_same_trouble(fault: Fault) -> None:
    assert [arrives(fault, s) for s in range(9)] == [arrives(fault, s) for s in range(9)]


def test_lossless_faults() -> None:
    assert arrives(clean) == DATA
    assert list(one_byte_at_a_time(b"abc", Random(0))) == [b"a", b"b", b"c"]
    assert arrives(line_noise).endswith(DATA)
    assert len(arrives(line_noise)) > len(DATA)


def test_torn_loses_the_tail_now_and_then() -> None:
    results = [arrives(torn, seed) for seed in range(100)]
    assert all(DATA.startswith(result) for result in results)
    assert 10 < sum(result != DATA for result in results) < 40


def test_bit_flip_turns_one_bit_now_and_then() -> None:
    flips = [
        sum((a ^ b).bit_count() for a, b in zip(DATA, arrives(bit_flip, seed), strict=True))
        for seed in range(100)
    ]
    assert set(flips) == {0, 1}
    assert 10 < sum(flips) < 40


@given(st.binary(min_size=1, max_size=50), st.integers(), st.sampled_from(sorted(FAULTS)))
def test_any_write_survives_any_fault(data: bytes, seed: int, name: str) -> None:
    assert len(arrives(FAULTS[name], seed, data)) <= len(data) + 20


def test_a_faulty_line_damages_one_way_only(run: Run) -> None:
    async def main() -> tuple[bytes, bytes]:
        cable = MemoryCable()
        line = FaultyLine(cable.device, line_noise, seed=1)
        await cable.host.write(DATA)
        await line.write(DATA)
        return await line.read(), await cable.host.read()

    from_host, from_device = run(main())
    assert from_host == DATA
    assert from_device != DATA
    assert from_device.endswith(DATA)


@pytest.mark.parametrize(("baud", "expected_s"), [(9600, 1.349), (115200, 0.1124)])
def test_a_paced_line_takes_its_time(run: Run, baud: int, expected_s: float) -> None:
    """The figures of hw/sdt-reader.md 5 for a read reply."""

    async def main() -> tuple[float, bytes]:
        cable = MemoryCable()
        await PacedLine(cable.device, baud).write(bytes(1295))
        return asyncio.get_running_loop().time(), await cable.host.read()

    took_s, data = run(main())
    assert took_s == pytest.approx(expected_s, rel=1e-3)
    assert data == bytes(1295)
