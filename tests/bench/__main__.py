"""`python -m tests.bench [NAME ...] [--json FILE]`: run benchmarks, print tables of ratios.

Each runs in a process of its own, in a group of its own; the watchdog ends the whole group. Exit
code 1 means that a harness broke, never that a mark was missed.
"""

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import msgspec
from rich.console import Console

from tests.bench.harness import Figure, scratch
from tests.bench.tables import tables

BENCHMARKS = (
    "appends",
    "drain",
    "end_to_end",
    "intake",
    "size",
    "verdict",
    "footprint",
    "radio_size",
    "radio",
)


class Broken(RuntimeError):
    """A benchmark gave no figures."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the figures.")
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(names: tuple[str, ...], file: Path | None, folder: Path | None) -> None:
    """Run the named benchmarks, or all of them."""
    if folder is not None:  # the child of a watchdog
        measured = import_module(f"tests.bench.{names[0]}").measure(folder)
        sys.stdout.buffer.write(msgspec.json.encode(measured))
        return
    figures: list[Figure] = []
    broken: list[Broken] = []
    for name in names or BENCHMARKS:
        click.echo(f"{name} ...", err=True)
        try:
            with scratch() as place:  # ours, so that it goes even if the child is killed
                figures += _watched(name, place)
        except Broken as error:
            broken.append(error)
            click.echo(str(error), err=True)
    console = Console(width=None if sys.stdout.isatty() else 160)
    for table in tables(figures):
        console.print(table)
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    sys.exit(1 if broken else 0)


def _watched(name: str, folder: Path) -> list[Figure]:
    limit_s = import_module(f"tests.bench.{name}").WATCHDOG_S
    command = [sys.executable, "-m", "tests.bench", "--folder", str(folder), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        try:
            output, _ = child.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise Broken(f"{name}: no result in {limit_s} s, ended by the watchdog") from None
    if child.returncode != 0:
        raise Broken(f"{name}: ended with code {child.returncode}")
    return msgspec.json.decode(output, type=list[Figure])


if __name__ == "__main__":
    main()
