import asyncio
from pathlib import Path
from random import Random

import pytest

from drivers.errors import (
    DeviceRefused,
    DeviceSilent,
    DeviceUnauthorised,
    DriverConfigError,
    DriverError,
    OtherDevice,
    PortBusy,
    PortGone,
    PortNotSetUp,
    TransientDriverError,
)
from drivers.port import BytePort, open_port
from drivers.supervisor import REFUSED_WAIT_S, DeviceState, Ready, keep_open
from runtime.backoff import Backoff
from sim.clock import Run
from sim.memory import MemoryCable

URL = "serial:///dev/under-test"
States = list[tuple[DeviceState, str]]


class Stage:
    """A device that fails as told, once for each try, and then ends in peace."""

    def __init__(self, *fates: Exception | None) -> None:
        self._fates = list(fates)
        self.states: States = []
        self.waits_s: list[float] = []
        self.ports: list[BytePort] = []

    async def open_at(self, url: str) -> BytePort:
        assert url == URL
        if self._fates and isinstance(self._fates[0], FileNotFoundError):
            self._fates.pop(0)
            raise PortGone("not there")
        port = MemoryCable().host
        self.ports.append(port)
        return port

    async def drive(self, _port: BytePort, ready: Ready) -> None:
        fate = self._fates.pop(0)
        if not isinstance(fate, DeviceSilent):
            ready("device 7")
        if fate is not None:
            raise fate

    async def sleep(self, delay_s: float) -> None:
        self.waits_s.append(delay_s)

    async def keep(self) -> None:
        await keep_open(
            URL,
            self.drive,
            open_at=self.open_at,
            on_state=lambda state, reason: self.states.append((state, reason)),
            backoff=Backoff(0.5, 10.0, Random(0)),
            sleep=self.sleep,
        )


def test_every_failure_has_its_state_and_the_device_comes_back(run: Run) -> None:
    stage = Stage(
        FileNotFoundError(),
        DeviceSilent("no answer"),
        PortGone("unplugged"),
        DeviceRefused("self-test failed"),
        TransientDriverError("odd"),
        None,
    )
    run(stage.keep())
    assert stage.states == [
        (DeviceState.MISSING, "not there"),
        (DeviceState.SILENT, "no answer"),
        (DeviceState.READY, "device 7"),
        (DeviceState.MISSING, "unplugged"),
        (DeviceState.READY, "device 7"),
        (DeviceState.FAULT, "self-test failed"),
        (DeviceState.READY, "device 7"),
        (DeviceState.FAULT, "odd"),
        (DeviceState.READY, "device 7"),
    ]
    assert stage.waits_s[3] == REFUSED_WAIT_S


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (PortBusy("held by 17"), DeviceState.BUSY),
        (PortNotSetUp("no permission"), DeviceState.NOT_SET_UP),
        (OtherDevice("a receiver"), DeviceState.OTHER),
        (DeviceUnauthorised("not authorised"), DeviceState.UNAUTHORISED),
    ],
)
def test_the_narrowest_class_names_the_state(
    run: Run, error: DriverError, state: DeviceState
) -> None:
    stage = Stage(error, None)
    run(stage.keep())
    assert (state, str(error)) in stage.states


def test_a_state_that_stays_is_reported_once_and_waits_grow(run: Run) -> None:
    stage = Stage(*[FileNotFoundError() for _ in range(8)], None)
    run(stage.keep())
    assert [state for state, _ in stage.states] == [DeviceState.MISSING, DeviceState.READY]
    assert stage.waits_s[0] <= 0.5
    assert stage.waits_s[-1] >= 5.0


def test_a_device_that_got_ready_is_retried_at_once(run: Run) -> None:
    gone = [FileNotFoundError() for _ in range(8)]
    stage = Stage(*gone, PortGone("unplugged"), None)
    run(stage.keep())
    assert stage.waits_s[-1] <= 0.5


def test_every_port_is_closed(run: Run) -> None:
    async def main() -> None:
        stage = Stage(PortGone("a"), DeviceRefused("b"), None)
        await stage.keep()
        assert len(stage.ports) == 3
        for port in stage.ports:
            with pytest.raises(PortGone):
                await port.write(b"x")

    run(main())


@pytest.mark.parametrize("error", [DriverConfigError("no such driver"), RuntimeError("a bug")])
def test_what_no_retry_cures_passes_through_and_closes_the_port(run: Run, error: Exception) -> None:
    async def main() -> None:
        stage = Stage(error)
        with pytest.raises(type(error)):
            await stage.keep()
        with pytest.raises(PortGone):
            await stage.ports[0].write(b"x")

    run(main())


def test_cancelling_closes_the_port(run: Run) -> None:
    async def main() -> None:
        stage = Stage()

        async def drive(port: BytePort, _ready: Ready) -> None:
            await port.read()

        keeping = asyncio.create_task(
            keep_open(
                URL,
                drive,
                open_at=stage.open_at,
                on_state=lambda *_: None,
                backoff=Backoff(1, 1, Random(0)),
            )
        )
        await asyncio.sleep(1)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
        with pytest.raises(PortGone):
            await stage.ports[0].write(b"x")

    run(main())


def test_a_bad_url_stops_it(tmp_path: Path) -> None:
    async def never(_port: BytePort, _ready: Ready) -> None:
        raise AssertionError

    with pytest.raises(DriverConfigError):
        asyncio.run(
            keep_open(
                str(tmp_path),
                never,
                open_at=open_port,
                on_state=lambda *_: None,
                backoff=Backoff(1, 1, Random(0)),
            )
        )
