"""A roster file with broken rows: each named by its line, the rest at every terminal at once."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from sim.people import write_roster_csv
from sim.processes import MUSTER, REPOSITORY
from tests.system.rig import Hand, drained, live, small_county, until_page

pytestmark = pytest.mark.system

PEOPLE = 5
BROKEN_LINE = 3  # the head is line 1
TIMEOUT_S = 20


@live(60)
async def test_a_broken_row_is_named_and_the_rest_is_sent_out(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        file = tmp_path / "roster.csv"
        write_roster_csv(file, county.setting.people[:PEOPLE])
        lines = file.read_text("utf-8").splitlines()
        broken = lines[BROKEN_LINE - 1].split(",")
        broken[0] = broken[0][:-2]
        lines[BROKEN_LINE - 1] = ",".join(broken)
        file.write_text("\n".join(lines), "utf-8")
        command = [*MUSTER, "gateway", "import-roster", "--config", str(county.gateway_config)]
        done = await asyncio.to_thread(
            subprocess.run,
            [*command, str(file)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
        )
        assert f"line {BROKEN_LINE}:" in done.stderr
        assert broken[0] not in done.stderr
        await until_page(post, lambda page: page["expected"] == PEOPLE - 1)
        hand = Hand(county, post)
        await hand.scan()
        await drained(post)
