"""`muster demo`: a whole county on this machine, with people, trouble and an audit."""

import asyncio
import json
import shutil
import socket
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from runtime.service import leaves
from sim.demo import Demo, Links, Summary, Wish
from sim.foreground import run_until_stopped
from sim.http_events import LOOPBACK
from sim.player import NoAnswer, Played
from sim.processes import ProcessDied

FOLDER = Path(".demo")
FIRST_PORT = 8080
PORTS_TRIED = 100
MAX_TERMINALS = 99
STOPPED_BY_HAND = 130  # what a shell reports for Ctrl-C
CLOSING_WORDS = "Every scan that was shown to a person is in the county's ledger exactly once."


@click.command()
@click.option("--exit", "exits", is_flag=True, help="Do not wait for anybody; compare and exit.")
@click.option("--people", type=click.IntRange(min=1), default=120, show_default=True)
@click.option("--terminals", type=click.IntRange(1, MAX_TERMINALS), default=3, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same story.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write the summary here.")
@click.option(
    "--links",
    type=click.Choice([each.value for each in Links]),
    default=Links.MQTT.value,
    show_default=True,
    help="lora: by radio alone; failover: the network goes in the middle.",
)
@click.option(
    "--gnss",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of receiver recordings (*.log) to run the terminals on.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the board.  [default: 8080]")
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
def demo(
    *,
    exits: bool,
    people: int,
    terminals: int,
    seed: int,
    report: Path | None,
    links: str,
    gnss: Path | None,
    port: int | None,
    folder: Path,
) -> None:
    """Run a county: people arrive and tap their cards, a link is cut, a terminal is killed.

    With --exit the story is played as fast as it goes, and the ledger and the board are compared
    with what happened: exit code 0 only if they agree.
    """
    recordings = sorted(gnss.glob("*.log")) if gnss is not None else []
    if gnss is not None and not recordings:
        raise click.ClickException(f"{gnss} holds no recordings (*.log)")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wish = Wish(
        folder=folder.absolute(),
        people=people,
        terminals=terminals,
        seed=seed,
        web_port=_free_port(port),
        is_paced=not exits,
        recordings=recordings,
        links=Links(links),
    )
    console = Console(highlight=False)
    summary = _run_or_leave(wish, console, stays=not exits)
    if report is not None:
        values = asdict(summary)
        del values["differences"]
        report.write_text(json.dumps(values, indent=2) + "\n")
    sys.exit(1 if summary.differences else 0)


def _run_or_leave(wish: Wish, console: Console, *, stays: bool) -> Summary:
    """Run the demo; what stops it becomes one line and an exit code."""
    problems: list[BaseException] = []
    summaries: list[Summary] = []

    async def run() -> None:
        summaries.append(await _run(wish, console, stays=stays))

    try:
        ended = run_until_stopped(run())
    except* (FileNotFoundError, ProcessDied, NoAnswer, TimeoutError) as group:
        problems = list(leaves(group))
    else:
        if ended:
            return summaries[0]
        console.print(f"\nstopped; the county is gone, its files are in {wish.folder}")
        sys.exit(STOPPED_BY_HAND)
    for problem in problems:
        click.echo(f"muster demo: {str(problem) or 'the county did not come up in time'}", err=True)
    sys.exit(1)


async def _run(wish: Wish, console: Console, *, stays: bool) -> Summary:
    demo = Demo(wish)
    console.print(f"starting a county: {wish.people} people, {wish.terminals} terminals ...")
    async with demo.county as county:
        await county.until_ready()
        console.print(f"\n  Board     [bold]http://{LOOPBACK}:{wish.web_port}[/bold]")
        for post in county.posts.values():
            console.print(f"  Terminal  http://{LOOPBACK}:{post.web_port}  {post.point.title_zh}")
        console.print()
        with _progress(console) as progress:
            row = progress.add_task("scans answered", total=demo.taps, note="")
            summary = await demo.play(lambda played: _advance(progress, row, played))
        _print_summary(console, summary)
        if stays:
            console.print("\nThe county keeps running. Ctrl-C ends it.")
            while True:
                county.check()
                await asyncio.sleep(1)
    return summary


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )


def _advance(progress: Progress, row: TaskID, played: Played) -> None:
    notes = []
    if played.link_cuts:
        notes.append("link was cut")
    if played.kills:
        notes.append("terminal was killed")
    progress.update(row, completed=len(played.acknowledged), note=", ".join(notes))


def _print_summary(console: Console, summary: Summary) -> None:
    values = asdict(summary)
    differences = values.pop("differences")
    facts = "  ".join(f"{name} {value}" for name, value in values.items())
    console.print(facts, soft_wrap=True)
    for difference in differences:
        console.print(f"[bold red]DIFFERS[/bold red] {difference}")
    if not differences:
        console.print(f"[bold]OK[/bold] {CLOSING_WORDS}")


def _free_port(wanted: int | None) -> int:
    """The wanted port, or the next free one."""
    first = wanted or FIRST_PORT
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        try:
            with socket.create_server((LOOPBACK, port)):
                return port
        except OSError:
            continue
    raise click.ClickException(f"no free port from {first} on")
