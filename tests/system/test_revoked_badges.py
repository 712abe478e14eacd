"""A badge is revoked at the county: every terminal knows, keeps it, and is not talked out of it."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from protocol import topics
from protocol.receipts import Refusal, RefusalReason, pack_refusal
from protocol.revocations import pack_revocations
from protocol.suites import message_digest
from protocol.topics import Down
from provisioning.layout import IDENTITY, REVOKED_BADGES
from sim.county import County, Post
from sim.people import write_roster_csv
from sim.processes import MUSTER, REPOSITORY
from tests.mqtt_probe import Probe, node_context
from tests.system.rig import GATEWAY, NODE, identity_of, live, revive, small_county, until_page

pytestmark = pytest.mark.system

PEOPLE = 3
FAR_AHEAD = 10**6
COMMAND_LIMIT_S = 20
LOOK_AGAIN_S = 0.05


async def badge(county: County, command: str, *arguments: object) -> list[str]:
    """Run `muster provision badge`; what it printed."""
    words = [*MUSTER, "provision", "badge", command, county.paths.folder, *arguments]
    done = await asyncio.to_thread(
        subprocess.run,
        [str(word) for word in words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=COMMAND_LIMIT_S,
    )
    return done.stdout.splitlines()


async def until_it_knows(county: County, post: Post) -> bytes:
    """Wait until the terminal holds the county's newest list on its disk."""
    newest, kept = county.paths.revoked_badges.read_bytes(), post.folder / "data" / REVOKED_BADGES
    while not kept.exists() or kept.read_bytes() != newest:  # noqa: ASYNC110  # a file has no event
        await asyncio.sleep(LOOK_AGAIN_S)
    return newest


@live(90)
async def test_a_revoked_badge_is_known_everywhere_and_stays_revoked(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        roster = tmp_path / "badges.csv"
        write_roster_csv(roster, county.setting.people[:PEOPLE])
        await badge(county, "issue", roster, "--out", tmp_path / "sheet.html")
        ids = [line.split()[0] for line in await badge(county, "list")]
        assert len(ids) == PEOPLE

        await badge(county, "revoke", ids[0])
        first = await until_it_knows(county, post)
        await post.process.kill()
        await badge(county, "revoke", ids[1])  # while the terminal is away
        await revive(post)
        second = await until_it_knows(county, post)
        assert first != second

        await county.gateway.stop()
        await replay(county, first)
        await until_page(post, lambda page: "county_refuses" in page["troubles"])
        kept = post.folder / "data" / REVOKED_BADGES
        assert kept.read_bytes() == second
        await post.process.kill()
        await revive(post)
        assert kept.read_bytes() == second


async def replay(county: County, old: bytes) -> None:
    """Somebody who can publish as the gateway: an old list, a forged one, then a true word."""
    gateway = identity_of(county.paths.gateway)
    forged = pack_revocations("demo", FAR_AHEAD, 0, [], gateway.signing_key)
    refusal = Refusal("demo", NODE, message_digest(b""), RefusalReason.MALFORMED, GATEWAY, 0)
    true_word = pack_refusal(refusal, gateway.signing_key)
    with Probe(county.broker_port, node_context(county.paths.gateway / IDENTITY), GATEWAY) as probe:
        assert probe.connect()
        for channel, message in (
            (Down.REVOCATIONS, old),
            (Down.REVOCATIONS, forged),
            (Down.REFUSAL, true_word),
        ):
            assert probe.publish(topics.down("demo", NODE, channel), message) == 0
