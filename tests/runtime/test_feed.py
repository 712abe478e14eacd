"""A feed hands out the latest value and skips what nobody waited for."""

import asyncio

from runtime.feed import Feed


def test_a_watcher_gets_the_value_at_once_then_only_newer_ones() -> None:
    async def scenario() -> None:
        feed = Feed("a")
        assert feed.value == "a"
        version, value = await feed.newer_than(-1)
        assert value == "a"
        waiting = asyncio.ensure_future(feed.newer_than(version))
        await asyncio.sleep(0)
        assert not waiting.done()
        feed.publish("b")
        feed.publish("c")
        assert (await waiting)[1] == "c"

    asyncio.run(scenario())


def test_every_watcher_is_woken() -> None:
    async def scenario() -> list[tuple[int, int]]:
        feed = Feed(0)
        watchers = [asyncio.ensure_future(feed.newer_than(0)) for _ in range(3)]
        await asyncio.sleep(0)
        feed.publish(7)
        return await asyncio.gather(*watchers)

    assert asyncio.run(scenario()) == [(1, 7)] * 3
