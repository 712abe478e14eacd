"""The network of a whole county goes away, and comes back."""

import asyncio

from sim.county import County


class Outage:
    """Cuts the link of every terminal; once."""

    def __init__(self, county: County) -> None:
        self._county = county
        self._beginning: asyncio.Task[None] | None = None
        self.cuts = 0
        self.stored_before = 0
        """Records the county had when it began."""

    async def begin(self) -> None:
        """Cut every link."""
        self.stored_before = (await self._county.board())["stored"]
        posts = self._county.posts.values()
        self.cuts = len(posts)
        await asyncio.gather(*(post.link.cut() for post in posts))

    def begin_soon(self) -> None:
        """The same, without waiting for it; a second time changes nothing."""
        if self._beginning is None:
            self._beginning = asyncio.create_task(self.begin())

    async def end(self) -> None:
        """Restore every link."""
        posts = self._county.posts.values()
        await asyncio.gather(*(post.link.restore() for post in posts))
