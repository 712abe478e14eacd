"""PC/SC tags with a real pcscd and vpcd's virtual readers: driver and supervisor."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from random import Random

import pytest
from smartcard import scard

from drivers.errors import PortBusy, PortGone, PortNotSetUp
from drivers.readers.base import CardTrouble, ReaderEvent, TagRead, TroubleReason
from drivers.readers.pcsc import PcscReader, conversation
from drivers.readers.pcsc_port import PcscPort, open_pcsc
from drivers.supervisor import DeviceState, Ready, keep_open
from runtime.backoff import Backoff
from sim.devices.tag import ClassicTag, NtagTag, PhoneTag, Tag, Type4Tag, text_record
from sim.devices.vpcd import SimVpcdCard
from tests.pcscd_process import Pcscd

pytestmark = pytest.mark.daemon

URL = "pcsc:///Muster%20Test%2000%2000"
OTHER_URL = "pcsc:///Muster%20Test%2000%2001"
SOON_S = 20.0  # far longer than anything here takes
LOOP_STALL_MAX_S = 0.25  # a busy machine; a call into pcscd that blocked would take 0.4 s and more
CLOSE_MAX_S = 1.0
UID = bytes.fromhex("04112233445566")
BADGE = text_record("MT1:HELLO")
TAGS: list[tuple[Tag, ReaderEvent]] = [
    (NtagTag(UID, BADGE), TagRead(UID, "MT1:HELLO")),
    (Type4Tag(UID[::-1], text_record("x" * 200)), TagRead(UID[::-1], "x" * 200)),
    (ClassicTag(UID[:4]), TagRead(UID[:4], None)),
    (PhoneTag(BADGE), TagRead(b"", "MT1:HELLO")),
    (PhoneTag(None), CardTrouble(TroubleReason.WRONG_CARD_TYPE)),
]


@asynccontextmanager
async def card_at(port: int) -> AsyncIterator[SimVpcdCard]:
    card = SimVpcdCard(port)
    running = asyncio.create_task(card.run())
    try:
        yield card
    finally:
        running.cancel()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PcscPort]:
    port = await open_pcsc(url)
    try:
        yield port
    finally:
        await port.close()


@pytest.mark.usefixtures("pcscd")
def test_without_pcscd_it_says_so() -> None:
    with pytest.raises(PortGone, match="pcscd is not running"):
        asyncio.run(open_pcsc(URL))


@pytest.mark.usefixtures("pcscd")
def test_a_connection_of_before_is_gone() -> None:
    """What a pcscd that was restarted knows nothing of."""

    async def main() -> None:
        port = PcscPort(context=4711, name="Muster Test 00 00")
        with pytest.raises(PortGone, match="restarted"):
            await port.look(0)
        with pytest.raises(PortGone, match="restarted"):
            await port.converse(conversation(b"\x3b\x00"))

    asyncio.run(main())


def test_each_kind_of_tag_one_after_the_other(pcscd: Pcscd) -> None:
    async def main() -> list[ReaderEvent]:
        async with asyncio.timeout(SOON_S), card_at(pcscd.port) as card, opened(URL) as port:
            events = PcscReader(port).events()
            read = []
            for tag, _ in TAGS:
                card.present(tag)
                read.append(await anext(events))
            return read

    with pcscd:
        assert asyncio.run(main()) == [event for _, event in TAGS]


def test_two_readers_at_once_do_not_get_in_each_other_s_way(pcscd: Pcscd) -> None:
    async def first(port: PcscPort) -> ReaderEvent:
        return await anext(aiter(PcscReader(port).events()))

    async def main() -> list[ReaderEvent]:
        async with (
            asyncio.timeout(SOON_S),
            card_at(pcscd.port) as left,
            card_at(pcscd.port + 1) as right,
            opened(URL) as left_port,
            opened(OTHER_URL) as right_port,
        ):
            left.present(TAGS[0][0])
            right.present(TAGS[1][0])
            return list(await asyncio.gather(first(left_port), first(right_port)))

    with pcscd:
        assert asyncio.run(main()) == [TAGS[0][1], TAGS[1][1]]


def test_two_readers_that_fit_are_named(pcscd: Pcscd) -> None:
    with pcscd, pytest.raises(PortNotSetUp, match="Muster Test 00 00; Muster Test 00 01"):
        asyncio.run(open_pcsc("pcsc:///Muster"))


def test_the_event_loop_never_waits_for_pcscd(pcscd: Pcscd) -> None:
    async def main() -> float:
        ticks: list[float] = []

        async def tick() -> None:
            while True:
                ticks.append(asyncio.get_running_loop().time())
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        async with asyncio.timeout(SOON_S), card_at(pcscd.port) as card, opened(URL) as port:
            card.present(TAGS[1][0])
            await anext(aiter(PcscReader(port).events()))
        ticking.cancel()
        return max(later - earlier for earlier, later in pairwise(ticks))

    with pcscd:
        assert asyncio.run(main()) < LOOP_STALL_MAX_S


def test_closing_wakes_whoever_waits_for_a_card(pcscd: Pcscd) -> None:
    threads_before = set(threading.enumerate())

    async def main() -> float:
        loop = asyncio.get_running_loop()
        port = await open_pcsc(URL)
        await port.look(0)
        waiting = asyncio.create_task(port.look(60))
        await asyncio.sleep(0.2)
        waiting.cancel()
        started_s = loop.time()
        await port.close()
        await port.close()
        with pytest.raises(PortGone):
            await port.look(0)
        return loop.time() - started_s

    with pcscd:
        assert asyncio.run(main()) < CLOSE_MAX_S
        for thread in set(threading.enumerate()) - threads_before:
            thread.join(CLOSE_MAX_S)
            assert not thread.is_alive()


def test_a_restarted_pcscd_is_found_again_without_a_restart_of_ours(pcscd: Pcscd) -> None:
    async def main() -> list[tuple[DeviceState, str]]:
        states: asyncio.Queue[tuple[DeviceState, str]] = asyncio.Queue()
        read: asyncio.Queue[ReaderEvent] = asyncio.Queue()
        seen = []

        async def drive(port: PcscPort, ready: Ready) -> None:
            async for event in PcscReader(port, on_ready=ready).events():
                read.put_nowait(event)

        async with asyncio.timeout(SOON_S), card_at(pcscd.port) as card:
            keeping = asyncio.create_task(
                keep_open(
                    URL,
                    drive,
                    open_at=open_pcsc,
                    on_state=lambda state, reason: states.put_nowait((state, reason)),
                    backoff=Backoff(0.05, 0.2, Random(0)),
                )
            )
            seen.append(await states.get())
            pcscd.start()
            seen.append(await states.get())
            card.present(TAGS[0][0])
            assert await read.get() == TAGS[0][1]
            card.remove()
            pcscd.kill()
            seen.append(await states.get())
            pcscd.start(readers=("Another",))
            seen.append(await states.get())
            pcscd.kill()
            seen.append(await states.get())
            pcscd.start()
            seen.append(await states.get())
            card.present(TAGS[1][0])
            assert await read.get() == TAGS[1][1]
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
        return seen

    gone = (DeviceState.MISSING, "pcscd is not running")
    ready = (DeviceState.READY, "Muster Test 00 00")
    other = (
        DeviceState.MISSING,
        "no card reader 'Muster Test 00 00' is connected; there are: Another 00 00; Another 00 01",
    )
    assert asyncio.run(main()) == [gone, ready, gone, other, gone, ready]


def test_a_card_another_program_has_to_itself(pcscd: Pcscd) -> None:
    async def main() -> None:
        async with asyncio.timeout(SOON_S), card_at(pcscd.port) as card:
            card.present(TAGS[0][0])
            async with opened(URL) as port:
                while (await port.look(1)).atr is None:
                    pass
                _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
                code, handle, _ = scard.SCardConnect(
                    context, port.name, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY
                )
                assert code == scard.SCARD_S_SUCCESS
                with pytest.raises(PortBusy, match="another program"):
                    await anext(aiter(PcscReader(port).events()))
                scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)
                scard.SCardReleaseContext(context)
            async with opened(URL) as port:
                assert await anext(aiter(PcscReader(port).events())) == TAGS[0][1]

    with pcscd:
        asyncio.run(main())


def test_a_tag_taken_away_in_the_middle(pcscd: Pcscd) -> None:
    """vpcd notices at its next message that the tag has gone."""

    async def main() -> list[ReaderEvent]:
        async with asyncio.timeout(SOON_S), card_at(pcscd.port) as card, opened(URL) as port:

            class Slippery(NtagTag):
                """Slips away at the second page it is asked for."""

                def exchange(self, command: bytes) -> bytes | None:
                    if command[1] != 3:
                        card.remove()
                        return None
                    return super().exchange(command)

            events = PcscReader(port).events()
            card.present(Slippery(UID, BADGE))
            read = [await anext(events)]
            card.present(NtagTag(UID, BADGE))
            return [*read, await anext(events)]

    with pcscd:
        assert asyncio.run(main()) == [
            CardTrouble(TroubleReason.HOLD_STILL),
            TagRead(UID, "MT1:HELLO"),
        ]
