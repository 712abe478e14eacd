"""`muster provision badge` as the county's administrator meets it."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from provisioning.cli import provision
from provisioning.layout import CountyFolder
from tests.musters import NAMES, NUMBERS

ROSTER = "id_number,name,unit,point,post\n" + "".join(
    f"{number},{name},一排,town-hall,班长\n"
    for number, name in zip(NUMBERS[:2], NAMES[:2], strict=True)
)
BADGE_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = CliRunner().invoke(provision, ["county", str(tmp_path / "county")])
    assert made.exit_code == 0
    (tmp_path / "roster.csv").write_text(ROSTER + "SECRET,x,y,z,\n", "utf-8")
    return tmp_path / "county"


def badge(command: str, folder: Path, *arguments: object) -> Result:
    words = ["badge", command, folder, *arguments]
    return CliRunner().invoke(provision, [str(word) for word in words])


def issue(folder: Path, *options: object) -> Result:
    roster, page = folder.parent / "roster.csv", folder.parent / "sheet.html"
    return badge("issue", folder, roster, "--out", page, *options)


def listed(folder: Path, *roster: Path) -> list[str]:
    return [line for line in badge("list", folder, *roster).stdout.splitlines() if line]


def test_a_page_is_printed_and_bad_rows_are_named(folder: Path) -> None:
    result = issue(folder)
    assert result.exit_code == 0
    assert "badges 2, new 2" in result.output
    assert "line 4: id_number" in result.stderr
    assert "SECRET" not in result.output
    page = (folder.parent / "sheet.html").read_text("utf-8")
    assert all(name in page for name in NAMES[:2])
    assert (folder.parent / "sheet.html").stat().st_mode & 0o077 == 0


def test_the_same_again_is_the_same_page(folder: Path) -> None:
    issue(folder)
    first = (folder.parent / "sheet.html").read_text("utf-8")
    assert "badges 2, new 0" in issue(folder).output
    assert (folder.parent / "sheet.html").read_text("utf-8") == first
    assert "badges 2, new 2" in issue(folder, "--renew").output
    assert (folder.parent / "sheet.html").read_text("utf-8") != first


def test_the_list_names_whose_they_are_when_it_is_told(folder: Path) -> None:
    assert listed(folder) == ["no badge has been issued"]
    issue(folder, "--until", "2030-01-31")
    plain, named = listed(folder), listed(folder, folder.parent / "roster.csv")
    assert len(plain) == len(named) == 2
    for line, person, name in zip(plain, named, NAMES, strict=False):
        assert BADGE_ID.match(line)
        assert "2030-01-31  good" in line
        assert name not in line
        assert f"{name}  一排" in person


def test_a_lost_badge_is_ended_by_the_number_printed_on_it(folder: Path) -> None:
    issue(folder)
    badge_id = listed(folder)[0][:9]
    result = badge("revoke", folder, badge_id.lower())
    assert result.exit_code == 0
    assert "revoked: 1 in all, list version 1" in result.output
    assert "sends it out by itself" in result.output
    assert "revoked" in listed(folder)[0]
    assert "good" in listed(folder)[1]
    assert "badges 2, new 1" in issue(folder).output


def test_a_gateway_that_moved_away_must_be_brought_the_list(folder: Path) -> None:
    issue(folder)
    paths = CountyFolder(folder)
    paths.gateway.rename(folder.parent / "elsewhere")
    result = badge("revoke", folder, listed(folder)[0][:9])
    assert f"copy {paths.revoked_badges} to the gateway" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("revoke", "AAAA-AAAA"), "never issued here: AAAA-AAAA"),
        (("revoke", "AAAA"), "not the id of a badge"),
        (("issue", "--only", "二排"), "nobody in this file"),
        (("issue", "--until", "2020-01-01"), "cannot end on 2020-01-01"),
        (("issue", "--until", "soon"), "does not match the format"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    command, *rest = arguments
    result = issue(folder, *rest) if command == "issue" else badge(command, folder, *rest)
    assert result.exit_code != 0
    assert words in result.output
    assert "Traceback" not in result.output
    assert not CountyFolder(folder).issued_badges.exists()


def test_a_folder_without_a_county_is_named(tmp_path: Path) -> None:
    result = badge("list", tmp_path)
    assert (result.exit_code, "holds no county" in result.output) == (1, True)
