import sys

import click
import pytest
from click.testing import CliRunner

from runtime.lazy_cli import LazyGroup

TABLE = {"encode": "encodings.punycode:NOT_A_COMMAND", "hello": "lazy_hello:hello"}


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> LazyGroup:
    @click.command()
    def hello() -> None:
        """Greet."""
        click.echo("good morning")

    module = type(sys)("lazy_hello")
    module.__dict__["hello"] = hello
    monkeypatch.setitem(sys.modules, "lazy_hello", module)
    return LazyGroup("group", lazy=TABLE)


def test_running_one_command_imports_only_that_one(
    group: LazyGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "encodings.punycode", raising=False)
    result = CliRunner().invoke(group, ["hello"])
    assert result.output == "good morning\n"
    assert "encodings.punycode" not in sys.modules


def test_names_are_known_without_importing(group: LazyGroup) -> None:
    assert group.list_commands(click.Context(group)) == ["encode", "hello"]


def test_help_shows_each_commands_summary() -> None:
    group = LazyGroup("group", lazy={"idreader": "sim.cli_idreader:idreader"})
    assert "Simulate a resident-ID card reader" in CliRunner().invoke(group, ["--help"]).output


def test_an_unknown_command_is_a_usage_error(group: LazyGroup) -> None:
    assert CliRunner().invoke(group, ["no-such"]).exit_code == 2
