"""Every framer there is; a new one gets a row in the table of its family."""

from collections.abc import Mapping

from tests.fuzz.asked import ASKED
from tests.fuzz.mesh import MESH
from tests.fuzz.radios import RADIOS
from tests.fuzz.receivers import RECEIVERS
from tests.fuzz.row import Row
from tests.fuzz.talking import TALKING

ROWS: Mapping[str, Row] = {**ASKED, **TALKING, **RECEIVERS, **RADIOS, **MESH}
