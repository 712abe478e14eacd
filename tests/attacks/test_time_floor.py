"""A board that woke up in 2000 gets in; an expired broker does not keep it fooled.

The clock of a child process is set with libfaketime, so that OpenSSL itself sees the wrong year.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.authority import SERVER_LIFE
from provisioning.bundle import create_county, create_terminal
from provisioning.layout import IDENTITY, CountyFolder
from provisioning.plans import CountyPlan, TerminalPlan
from provisioning.vault import load_authority
from runtime.release import RELEASED
from runtime.tls import Trouble
from sim.ports import free_port
from tests.attacks.conftest import NewCounty
from tests.broker_process import BrokerProcess

pytestmark = pytest.mark.daemon

CHILD_LIMIT_S = 30
YEAR_2000 = "@2000-01-01 00:00:00"

CHILD = """
import ssl, sys, time
from pathlib import Path
from runtime import tls
from runtime.clock import SystemClock, TimeFloor
from tests.mqtt_probe import Probe, node_context

port, identity, rule = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
context = node_context(identity)
if rule == "rule":
    context = tls.client_context(identity, SystemClock(TimeFloor(identity / "floor")))
if rule == "no check":
    context.verify_flags |= tls.NO_CHECK_TIME
print(time.gmtime().tm_year)
with Probe(port, context, "t1") as probe:
    print("in" if probe.connect() else tls.diagnose(probe.failure).name)
"""


def find_faketime() -> str:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert found, "libfaketime is not installed: apt-get install faketime"
    return str(found[0])


def connect_in_2000(broker: BrokerProcess, county: CountyFolder, rule: str) -> str:
    """What becomes of t1's connection when its machine says 2000; `rule` names its checks."""
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            CHILD,
            str(broker.port),
            str(county.terminal("t1") / IDENTITY),
            rule,
        ],
        env=os.environ
        | {"LD_PRELOAD": find_faketime(), "FAKETIME": YEAR_2000, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=CHILD_LIMIT_S,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    year, outcome = child.stdout.split()
    assert year == "2000"
    return outcome


@pytest.fixture
def county_with_old_broker(new_county: NewCounty) -> CountyFolder:
    """A county whose broker shows a certificate that expired the day before the release."""
    county = new_county()
    authority = load_authority(county.authority)
    issued = RELEASED - timedelta(days=1) - SERVER_LIFE
    server = authority.issue_server("demo", ["127.0.0.1"], issued)
    (county.broker / "server.crt").write_bytes(server.chain_pem)
    (county.broker / "server.key").write_bytes(server.key_pem)
    return county


def test_a_board_in_2000_gets_in(county: CountyFolder, broker: BrokerProcess) -> None:
    assert connect_in_2000(broker, county, "rule") == "in"


def test_control_without_the_rule_it_does_not(county: CountyFolder, broker: BrokerProcess) -> None:
    assert connect_in_2000(broker, county, "plain") == Trouble.CLOCK_BEHIND.name


def test_an_expired_broker_is_refused_in_2000(county_with_old_broker: CountyFolder) -> None:
    with BrokerProcess(county_with_old_broker.broker / "mosquitto.conf") as broker:
        outcome = connect_in_2000(broker, county_with_old_broker, "rule")
    assert outcome == Trouble.BROKER_EXPIRED.name


def test_control_without_dates_at_all_it_is_let_in(county_with_old_broker: CountyFolder) -> None:
    with BrokerProcess(county_with_old_broker.broker / "mosquitto.conf") as broker:
        assert connect_in_2000(broker, county_with_old_broker, "no check") == "in"


def test_an_impostor_is_refused_in_2000(new_county: NewCounty) -> None:
    county, impostor = new_county(), new_county()
    with BrokerProcess(impostor.broker / "mosquitto.conf") as broker:
        assert connect_in_2000(broker, county, "rule") == Trouble.UNKNOWN_AUTHORITY.name


def test_a_broker_under_another_address_is_refused_in_2000(tmp_path: Path) -> None:
    county = CountyFolder(tmp_path / "county")
    now = datetime.now(UTC)
    plan = CountyPlan(broker_hosts=("gateway.example",), broker_port=free_port())
    create_county(county.folder, plan, now)
    create_terminal(county.folder, TerminalPlan("t1", "town-hall"), now)
    with BrokerProcess(county.broker / "mosquitto.conf") as broker:
        assert connect_in_2000(broker, county, "rule") == Trouble.WRONG_NAME.name
