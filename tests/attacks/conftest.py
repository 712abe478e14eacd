"""A county with two terminals and its broker."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioning.bundle import create_county, create_terminal
from provisioning.layout import CountyFolder
from provisioning.plans import CountyPlan, TerminalPlan
from sim.ports import free_port
from tests.broker_process import BrokerProcess

NewCounty = Callable[[], CountyFolder]


@pytest.fixture
def new_county(tmp_path: Path) -> NewCounty:
    """Makes counties with terminals t1 and t2, each on a port of its own."""
    made: list[Path] = []

    def make() -> CountyFolder:
        folder = tmp_path / f"county-{len(made)}"
        made.append(folder)
        return make_county(folder)

    return make


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> CountyFolder:
    """The county of the module's broker."""
    # A space and Chinese: folders are what the operator calls them.
    return make_county(tmp_path_factory.mktemp("county") / "演示 county")


@pytest.fixture(scope="module")
def broker(county: CountyFolder) -> Iterator[BrokerProcess]:
    """The module's broker, running."""
    with BrokerProcess(county.broker / "mosquitto.conf") as process:
        yield process


def make_county(folder: Path) -> CountyFolder:
    """A county with terminals t1 and t2 on a free port."""
    now = datetime.now(UTC)
    create_county(folder, CountyPlan(broker_port=free_port()), now)
    for name in ("t1", "t2"):
        create_terminal(folder, TerminalPlan(name, "town-hall"), now)
    return CountyFolder(folder)
