"""One PC/SC reader, through pyscard and pcscd (hw/pcsc.md).

    pcsc:///ACS%20ACR122U        the reader of this name, or the only one with this in its name
    pcsc:                        the only reader there is

Every call into pcscd may block and is made on a thread of its own.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from smartcard import scard

from drivers.errors import DeviceSilent, DriverConfigError, PortBusy, PortGone, PortNotSetUp
from drivers.readers.pcsc import SlotState
from drivers.readers.tags import Conversation, T, TagLost
from runtime.threads import in_daemon_thread

OPEN_LIMIT_S = 10.0  # systemd starts pcscd at the first call, which then looks for its readers
CONVERSE_LIMIT_S = 10.0  # the longest message at 106 kbit/s and 60 ms an APDU takes half of it
CLOSE_LIMIT_S = 2.0  # then a hung reader's thread is left to itself

_COUNTER_SHIFT = 16  # pcscd counts cards coming and going above the state's flags
_READER_GONE = scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE | scard.SCARD_STATE_IGNORE

_NO_SERVICE = "pcscd is not running"
_GONE = MappingProxyType(
    {
        scard.SCARD_E_NO_SERVICE: _NO_SERVICE,
        scard.SCARD_E_SERVICE_STOPPED: _NO_SERVICE,
        scard.SCARD_F_COMM_ERROR: _NO_SERVICE,
        scard.SCARD_W_SECURITY_VIOLATION: _NO_SERVICE,
        scard.SCARD_E_INVALID_HANDLE: "pcscd was restarted",
        scard.SCARD_E_UNKNOWN_READER: "the card reader is unplugged",
        scard.SCARD_E_READER_UNAVAILABLE: "the card reader is unplugged",
        scard.SCARD_E_NO_READERS_AVAILABLE: "no card reader is connected",
    }
)
# What a card that was moved, taken away or never meant for this reader makes of a call.
_CARD_LOST = frozenset(
    {
        scard.SCARD_E_NO_SMARTCARD,
        scard.SCARD_E_NOT_READY,
        scard.SCARD_E_NOT_TRANSACTED,
        scard.SCARD_E_PROTO_MISMATCH,
        scard.SCARD_W_REMOVED_CARD,
        scard.SCARD_W_RESET_CARD,
        scard.SCARD_W_UNPOWERED_CARD,
        scard.SCARD_W_UNRESPONSIVE_CARD,
        scard.SCARD_W_UNSUPPORTED_CARD,
    }
)
# Of a call that asks to be let in. To any other, the first only says that pcscd hung up.
_NOT_ADMITTED = frozenset({scard.SCARD_W_SECURITY_VIOLATION, scard.SCARD_E_NO_ACCESS})


class _ScardError(OSError):
    """A PC/SC call failed with `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{scard.SCardGetErrorMessage(code)} ({code & 0xFFFFFFFF:08X})")
        self.code = code


class _NotAdmitted(_ScardError):
    """pcscd does not let this user in."""


async def open_pcsc(url: str) -> "PcscPort":
    """Open the reader a URL names.

    Raises `PortGone` while pcscd or the reader is not there, `PortNotSetUp` when pcscd does not
    admit us or the URL fits several readers, `DeviceSilent` when pcscd does not answer, and
    `DriverConfigError` for a URL that is none of PC/SC.
    """
    wanted = wanted_reader(url)
    context = await _call(_new_context, OPEN_LIMIT_S)
    try:
        name = choose_reader(wanted, await _call(partial(_reader_names, context), OPEN_LIMIT_S))
    except BaseException:
        await _release(context)
        raise
    return PcscPort(context, name)


def wanted_reader(url: str) -> str:
    """The name, or part of one, in a URL; empty for "the only one". Raises `DriverConfigError`."""
    parts = urlsplit(url)
    if parts.scheme != "pcsc" or parts.netloc or parts.query or parts.fragment:
        raise DriverConfigError(f"port {url!r}: expected pcsc:///Name%20of%20reader, or pcsc:")
    return unquote(parts.path).removeprefix("/")


def choose_reader(wanted: str, names: Sequence[str]) -> str:
    """The reader of this name, or the only one with it in its name.

    Raises `PortGone` if there is none, `PortNotSetUp` if there are several.
    """
    if wanted in names:
        return wanted
    fitting = [name for name in names if wanted in name]
    if not fitting:
        there = f"; there are: {'; '.join(names)}" if names else ""
        raise PortGone(f"no card reader {wanted!r} is connected{there}")
    if len(fitting) > 1:
        # Depends on what is plugged in now, so it must not stop the program.
        raise PortNotSetUp(f"{wanted!r} fits several card readers: {'; '.join(fitting)}")
    return fitting[0]


class PcscPort:
    """A `Slot` on a reader of pcscd's. Shared with other programs, except during a conversation."""

    def __init__(self, context: int, name: str) -> None:
        self._context, self._name = context, name
        self._seen = scard.SCARD_STATE_UNAWARE
        self._is_open = True

    @property
    def name(self) -> str:
        """See `Slot.name`."""
        return self._name

    async def look(self, wait_s: float) -> SlotState:
        """See `Slot.look`."""
        self._check_open()
        look = partial(_look, self._context, self._name, self._seen, wait_s)
        flags, atr = await _call(look, wait_s + OPEN_LIMIT_S)
        self._seen = flags & ~scard.SCARD_STATE_CHANGED
        if flags & _READER_GONE:
            raise PortGone(f"the card reader {self._name} is unplugged")
        is_present = bool(flags & scard.SCARD_STATE_PRESENT)
        return SlotState(atr if is_present else None, flags >> _COUNTER_SHIFT)

    async def converse(self, conversation: Conversation[T]) -> T:
        """See `Slot.converse`."""
        self._check_open()
        return await _call(
            partial(_converse, self._context, self._name, conversation), CONVERSE_LIMIT_S
        )

    async def close(self) -> None:
        """See `Closable.close`."""
        if self._is_open:
            self._is_open = False
            await _release(self._context)

    def _check_open(self) -> None:
        if not self._is_open:
            raise PortGone(f"the card reader {self._name} is closed")


async def _call(call: Callable[[], T], limit_s: float) -> T:
    """Make blocking calls on a thread, and give their failures the names of drivers/errors.py."""
    try:
        async with asyncio.timeout(limit_s):
            return await in_daemon_thread(call)
    except _NotAdmitted as error:
        raise PortNotSetUp("pcscd does not admit this user: see hw/pcsc.md 5") from error
    except _ScardError as error:
        if error.code in _CARD_LOST:
            raise TagLost(str(error)) from error
        if error.code == scard.SCARD_E_SHARING_VIOLATION:
            raise PortBusy("another program has the card to itself") from error
        raise PortGone(_GONE.get(error.code, str(error))) from error
    except TimeoutError as error:
        raise DeviceSilent("the card reader, or pcscd, does not answer") from error


async def _release(context: int) -> None:
    def release() -> None:
        scard.SCardCancel(context)  # wakes a look that nobody waits for any more
        scard.SCardReleaseContext(context)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_LIMIT_S):
            await in_daemon_thread(release)


# --- blocking from here on ----------------------------------------------------------------


def _new_context() -> int:
    """A new connection to pcscd."""
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    _check_admitted(code)
    return int(context)


def _reader_names(context: int) -> list[str]:
    code, names = scard.SCardListReaders(context, [])
    if code == scard.SCARD_E_NO_READERS_AVAILABLE:
        return []
    _check(code)
    return list(names)


def _look(context: int, name: str, seen: int, wait_s: float) -> tuple[int, bytes]:
    """Flags and ATR, after a change or `wait_s`."""
    code, states = scard.SCardGetStatusChange(context, int(wait_s * 1000), [(name, seen)])
    if code != scard.SCARD_E_TIMEOUT:
        _check(code)
    ((_, flags, atr),) = states
    return flags, bytes(atr)


def _converse(context: int, name: str, conversation: Conversation[T]) -> T:
    code, card, protocol = scard.SCardConnect(
        context, name, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    )
    _check_admitted(code)
    try:
        _check(scard.SCardBeginTransaction(card))  # nobody's SELECT comes between two of ours
        answer: bytes | None = None
        while True:
            try:
                apdu = conversation.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            code, values = scard.SCardTransmit(card, protocol, list(apdu))
            _check(code)
            answer = bytes(values)
    finally:
        scard.SCardEndTransaction(card, scard.SCARD_LEAVE_CARD)
        scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)


def _check_admitted(code: int) -> None:
    if code in _NOT_ADMITTED:
        raise _NotAdmitted(code)
    _check(code)


def _check(code: int) -> None:
    if code != scard.SCARD_S_SUCCESS:
        raise _ScardError(code)
