"""`muster demo --exit`, as somebody who has just cloned this runs it."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from sim.demo import RUSH_S
from sim.people import make_people
from sim.story import tell

pytestmark = pytest.mark.system

LIMIT_S = 90
POINT = "qingshan"  # the first of `sim.county.towns`
SUMMARY = {
    "people",
    "scans",
    "captured",
    "stored",
    "duplicates_dropped",
    "lost",
    "link_cuts",
    "kills",
    "records_by_radio",
    "radio_frames",
    "radio_airtime_s",
    "wall_s",
}


def test_a_card_that_is_tapped_twice_in_a_row_is_answered_twice(tmp_path: Path) -> None:
    people, seed = 4, 5
    taps = tell(seed, make_people(seed, people, [POINT]), [POINT], rush_s=RUSH_S).taps[POINT]
    assert any(first.who == second.who for first, second in pairwise(taps))
    report = tmp_path / "summary.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "muster", "demo", "--exit", "--terminals", "1"),
            *("--people", str(people), "--seed", str(seed)),
            *("--json", str(report), "--folder", str(tmp_path / "demo")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    summary = json.loads(report.read_text())
    assert set(summary) == SUMMARY
    assert (summary["lost"], summary["link_cuts"], summary["kills"]) == (0, 1, 1)
    assert summary["captured"] == summary["stored"] >= len(taps)


@pytest.mark.parametrize("links", ["lora", "failover"])
def test_records_get_to_the_county_by_radio(links: str, tmp_path: Path) -> None:
    """Through simulated modems on ptys; the demo fails for a record lost or a law broken."""
    report = tmp_path / "summary.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "muster", "demo", "--exit", "--links", links),
            *("--people", "40", "--terminals", "2"),
            *("--json", str(report), "--folder", str(tmp_path / "demo")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    summary = json.loads(report.read_text())
    assert (summary["lost"], summary["link_cuts"], summary["kills"]) == (0, 2, 1)
    assert 0 < summary["records_by_radio"] <= summary["stored"] == summary["captured"]
    assert summary["radio_frames"] > 2
    if links == "lora":
        assert summary["records_by_radio"] == summary["stored"]
