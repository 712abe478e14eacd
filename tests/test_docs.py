"""The documentation says what the program says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from gateway.settings import GatewaySettings
from muster import main
from terminal.settings import TerminalSettings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for folder in (ROOT, *(ROOT / name for name in ("docs", "hw", "firmware", "sim")))
    for path in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
)
SOURCES = sorted(
    path
    for folder in (
        *("protocol", "runtime", "drivers", "terminal", "gateway", "provisioning", "courier"),
        *("sim", "hw", "firmware"),
    )
    for suffix in ("py", "sql", "toml", "service")
    for path in (ROOT / folder).rglob(f"*.{suffix}")
)
OPERATING = (ROOT / "docs" / "operating.md").read_text()
COMMANDS_ARE_IN = OPERATING + (ROOT / "README.md").read_text()
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]

LINK = re.compile(r"\]\(([^)\s]+)\)")
WHATEVER = re.compile(r"^(https?:|#)")
CITED_PAGE = re.compile(r"\b(?:docs|hw|sim|firmware|tests)/[\w./-]*?\.(?:md|py|json|toml|png)\b")
DECISION = re.compile(r"docs/decisions/(\d{4})")
PLACEHOLDER = "NAME"  # hw/NAME.toml
INLINE_CODE = re.compile(r"`[^`\n]*`")
QUOTED_PATH = re.compile(r"`([\w.-]+/[\w./-]*|[A-Z]+\.md)`")
CODE_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
TOP_FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()}


def commands(
    command: click.Command, name: str = "muster"
) -> Iterator[tuple[str, list[click.Parameter]]]:
    """(full name, parameters) of every command that does something."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, f"{name} {child}")
    else:
        yield name, command.params


def keys(shape: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of every setting; a list of tables counts as one table."""
    for field in msgspec.structs.fields(shape):
        inner = list(structs_in(msgspec.inspect.type_info(field.type)))
        if inner:
            yield from keys(inner[0], f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def structs_in(info: Any) -> Iterator[type]:
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
    elif isinstance(info, msgspec.inspect.UnionType):
        for kind in info.types:
            yield from structs_in(kind)
    elif isinstance(info, msgspec.inspect.VarTupleType):
        yield from structs_in(info.item_type)


def section(title: str) -> str:
    """The part of docs/operating.md below a heading."""
    found = re.search(
        rf"^## \d+\. {re.escape(title)}$(.*?)(?=^## |\Z)", OPERATING, re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1]


COMMANDS = dict(commands(main))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    row = next(line for line in COMMANDS_ARE_IN.splitlines() if line.startswith(f"| `{name}"))
    options = [
        option for each in COMMANDS[name] if isinstance(each, click.Option) for option in each.opts
    ]
    for option in options:
        assert re.search(rf"{option}\b", row), f"{name} {option}"


def test_no_option_is_documented_that_does_not_exist() -> None:
    known = {
        option for parameters in COMMANDS.values() for each in parameters for option in each.opts
    }
    known |= {"--help", "--version"}
    for line in COMMANDS_ARE_IN.splitlines():
        if "muster " in line:
            assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)) <= known, line


@pytest.mark.parametrize(
    ("file", "shape"), [("terminal.toml", TerminalSettings), ("gateway.toml", GatewaySettings)]
)
def test_every_setting_is_documented_and_no_other(file: str, shape: type) -> None:
    first_column = [line.split("|")[1] for line in section(file).splitlines() if line[:3] == "| `"]
    documented = {name for cell in first_column for name in re.findall(r"`([^`]+)`", cell)}
    assert documented == set(keys(shape))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_cited_paths_exist(page: Path) -> None:
    text = page.read_text()
    for target in LINK.findall(INLINE_CODE.sub("", CODE_BLOCK.sub("", text))):
        if not WHATEVER.match(target):
            assert (page.parent / target.split("#")[0]).exists(), target
    check_cited_pages(text)
    for quoted in QUOTED_PATH.findall(CODE_BLOCK.sub("", text)):
        if PLACEHOLDER in quoted:
            continue
        if "/" not in quoted or quoted.split("/")[0] in TOP_FOLDERS:
            assert (ROOT / quoted).exists() or (page.parent / quoted).exists(), quoted


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_pages_cited_in_the_code_exist(source: Path) -> None:
    check_cited_pages(source.read_text())


def check_cited_pages(text: str) -> None:
    for cited in CITED_PAGE.findall(text):
        assert PLACEHOLDER in cited or (ROOT / cited).exists(), cited
    for cited in DECISION.findall(text):
        assert list((ROOT / "docs" / "decisions").glob(f"{cited}-*.md")), cited


def test_decisions_are_numbered_without_a_hole() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [name[:4] for name in names] == [f"{n:04d}" for n in range(1, len(names) + 1)]


def test_both_readmes_have_the_same_shape() -> None:
    english, chinese = (path.read_text() for path in READMES)
    assert HEADING.findall(english) == HEADING.findall(chinese)
    assert CODE_BLOCK.findall(english) == CODE_BLOCK.findall(chinese)
    assert english.count("\n|") == chinese.count("\n|")
    assert english.count("![") == chinese.count("![")
