"""`sim air` as a user runs it."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runtime.config import ConfigError
from sim.air.antenna import Signal
from sim.air.client import join_air
from sim.air.lora import LoraSettings
from sim.air.terrain import BUILT_UP_FADING, HIDDEN, Link
from sim.air.terrain_file import read_terrain
from sim.cli import sim

LIMIT_S = 30
SF7 = LoraSettings(frequency_hz=471_100_000, spreading_factor=7)
TERRAIN = """
loss_chance = 0.05
level_db = 100.0
fading = true

[[link]]
between = ["t1", "t2"]
hidden = true

[[link]]
between = ["t1", "gw"]
path_loss_db = 120.0
loss_chance = 0.0
"""


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(sim, ["air", *map(str, args)])


def test_modems_of_other_processes_meet_and_the_user_sees_it(tmp_path: Path) -> None:
    terrain, link = tmp_path / "terrain.toml", tmp_path / "air"
    terrain.write_text(TERRAIN.replace("fading = true", ""))
    command = [sys.executable, "-u", "-m", "sim.cli", "air", "--link", str(link)]
    command += ["--terrain", str(terrain), "--region", "CN470"]

    async def talk() -> Signal:
        heard: asyncio.Queue[Signal] = asyncio.Queue()
        gateway = await join_air(link, "gw", heard.put_nowait)
        others = [await join_air(link, name, lambda _: None) for name in ("t1", "t2")]
        await gateway.listen(SF7)
        await others[0].transmit(b"hello", SF7)
        for antenna in (gateway, *others):
            await antenna.close()
        return await heard.get()

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"air at {link}\n"
            assert asyncio.run(asyncio.wait_for(talk(), LIMIT_S)) == Signal(b"hello", -105.5, 11.0)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=LIMIT_S)[0].splitlines()
        finally:
            process.kill()
    assert process.returncode == 0
    unlawful = "; unlawful: sent without listening first, or over somebody heard"
    assert said == [
        f"t1 1, 5 bytes at SF7 -> gw: received (-106 dBm, SNR 11 dB){unlawful}",
        "t1 1, 5 bytes at SF7 -> t2: weaker than the sensitivity (-inf dBm, SNR -inf dB)"
        + unlawful,
    ]
    assert not link.exists()


def test_a_terrain_is_what_its_file_says(tmp_path: Path) -> None:
    path = tmp_path / "terrain.toml"
    path.write_text(TERRAIN)
    terrain = read_terrain(path)
    assert (terrain.loss_chance, terrain.level_db) == (0.05, 100.0)
    assert terrain.model == BUILT_UP_FADING
    assert terrain.links == {
        ("t1", "t2"): HIDDEN,
        ("t1", "gw"): Link(path_loss_db=120.0, loss_chance=0.0),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("loss_chance = 1.5", "loss_chance"),
        ("weather = 'rain'", "weather"),
        ('[[link]]\nbetween = ["t1"]', "between"),
        ('[[link]]\nbetween = ["a", "b"]\n[[link]]\nbetween = ["b", "a"]', "two links"),
    ],
)
def test_a_terrain_that_makes_no_sense_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "terrain.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why):
        read_terrain(path)
    refused = invoke("--tcp", "0", "--terrain", path)
    assert refused.exit_code == 1
    assert why in refused.output


def test_what_the_command_refuses(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert "give --link or --tcp" in invoke().output
    assert "give --link or --tcp" in invoke("--link", tmp_path / "air", "--tcp", "0").output
    assert "is no socket" in invoke("--link", tmp_path / "taken").output
