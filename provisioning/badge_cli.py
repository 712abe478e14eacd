"""`muster provision badge`: prints badges, revokes them, lists them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from protocol.badge import badge_id_text, parse_badge_id
from provisioning.badges import BadgeOffice, IssuedBadge, day_of, open_office
from provisioning.bundle import check_clock
from provisioning.holders import Holder, chosen, read_holders
from provisioning.layout import CountyFolder
from provisioning.one_line import one_line_errors
from runtime.files import SECRET_MODE, write_atomic

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
USUAL_LIFE = timedelta(days=2 * 365)  # two yearly drills; the paper wears out about then


@click.group()
def badge() -> None:
    """The county's own badges: print them, revoke them, list them."""


@badge.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("roster", metavar="ROSTER.csv", type=FILE)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The page to print, HTML. It is as good as the badges on it.",
)
@click.option(
    "--paper",
    type=click.Choice(["a4", "card"]),
    default="a4",
    show_default=True,
    help="Ten to a sheet with cut marks, or one to a card of 85.6 by 54 mm.",
)
@click.option("--only", multiple=True, metavar="TEXT", help="A name or unit; again for each.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day of new badges.  [default: in two years]",
)
@click.option("--renew", is_flag=True, help="New badges also for those whose badge is still good.")
def issue(
    *,
    folder: Path,
    roster: Path,
    out: Path,
    paper: str,
    only: Sequence[str],
    until: datetime | None,
    renew: bool,
) -> None:
    """Write a page of badges for the people in ROSTER.csv.

    Whoever has a badge that is still good gets the same one printed again.
    """
    from provisioning.badge_sheet import Paper, badge_sheet  # noqa: PLC0415  # needs segno

    now = datetime.now(UTC)
    with one_line_errors(), open_office(folder) as office:
        check_clock(now)
        holders = chosen(_people(roster, office.county_key), only)
        last_day = until.date() if until is not None else day_of(now) + USUAL_LIFE
        badges = office.issue([each.digest for each in holders], last_day, now, renew=renew)
        page = badge_sheet(list(zip(holders, badges, strict=True)), office.county, Paper(paper))
        write_atomic(out, page.encode(), mode=SECRET_MODE)
    new = sum(each.is_new for each in badges)
    click.echo(f"{out}: badges {len(badges)}, new {new}")
    click.echo("  print it at 100 %, without margins or headers; then delete it")


@badge.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def revoke(*, folder: Path, ids: Sequence[str]) -> None:
    """End badges for ever, by the number printed on them; terminals hear of it at once."""
    with one_line_errors(), open_office(folder) as office:
        now = datetime.now(UTC)
        check_clock(now)
        revoked = office.revoke([parse_badge_id(text) for text in ids], now)
    paths = CountyFolder(folder)
    click.echo(f"revoked: {len(revoked.badge_ids)} in all, list version {revoked.version}")
    if paths.gateway.exists():
        click.echo("  a running gateway sends it out by itself")
    else:
        click.echo(f"  copy {paths.revoked_badges} to the gateway's folder")


@badge.command("list")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("roster", metavar="[ROSTER.csv]", type=FILE, required=False)
def list_badges(*, folder: Path, roster: Path | None) -> None:
    """List all badges, oldest first; with ROSTER.csv, whose they are."""
    today = day_of(datetime.now(UTC))
    with one_line_errors(), open_office(folder) as office:
        people = {each.digest: each for each in _people(roster, office.county_key)}
        lines = [_line(each, office, today, people) for each in office.issued]
    click.echo("\n".join(lines) or "no badge has been issued")


def _line(
    issued: IssuedBadge, office: BadgeOffice, today: date, people: dict[bytes, Holder]
) -> str:
    made = issued.badge
    state = "good"
    if made.badge_id in office.revoked.badge_ids:
        state = "revoked"
    elif made.last_day < today:
        state = "expired"
    holder = people.get(made.holder)
    whose = f"  {holder.name}  {holder.unit}" if holder is not None else ""
    return f"{badge_id_text(made.badge_id)}  {made.first_day}  {made.last_day}  {state:7}{whose}"


def _people(roster: Path | None, county_key: bytes) -> list[Holder]:
    if roster is None:
        return []
    holders, bad = read_holders(roster.read_bytes(), county_key)
    for row in bad:
        click.echo(f"{roster}: line {row.line}: {row.problem}", err=True)
    return holders
