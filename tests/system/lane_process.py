"""One lane on a network of its own: commands on standard input, an answer to each on its output.

python -m tests.system.lane_process LANE INTERFACE GROUP PORT

scan N        person N is scanned            ok
undo          the last scan is taken back    ok
elsewhere N   who has seen person N          a lane, or -
lanes         who is heard                   lanes, or -
"""

import asyncio
import sys

from terminal.links.lan import Lan
from terminal.settings import NeighbourSettings
from tests.lanes import LaneRig, LoopClock


async def main() -> None:
    """Serve until the input ends."""
    lane, interface, group, port = sys.argv[1:]
    clock = LoopClock()
    rig = LaneRig(clock, int(lane))
    lan = Lan(NeighbourSettings(interface, group, int(port)), interface, rig.neighbours, clock)
    running = asyncio.create_task(lan.run())
    scans = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, *numbers = line.split()
        answer = "ok"
        if command == "scan":
            scans.append(rig.scan(int(numbers[0])))
            lan.news()
        elif command == "undo":
            rig.undo(scans.pop())
            lan.news()
        elif command == "elsewhere":
            answer = str(rig.elsewhere(int(numbers[0])) or "-")
        else:
            answer = " ".join(map(str, rig.neighbours.lanes())) or "-"
        print(answer, flush=True)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
