"""The latest value of something, and a way to wait for the next one."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Feed(Generic[T]):
    """One producer, any number of watchers. A slow watcher skips values, never delays anyone."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._version = 0
        self._changed = asyncio.Event()

    @property
    def value(self) -> T:
        """The latest value."""
        return self._value

    def publish(self, value: T) -> None:
        """Replace the value and wake every watcher. Call from the event loop's thread."""
        self._value = value
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def newer_than(self, version: int) -> tuple[int, T]:
        """Wait until there is a value later than `version`; -1 returns at once."""
        while self._version <= version:
            await self._changed.wait()
        return self._version, self._value
