"""A gateway that is killed between its commit and the receipt, when a flag file asks for it.

    python -m tests.system.dying_gateway FLAG gateway run --config FILE

The flag is taken away in dying: started again, the gateway lives until there is a new one.
"""

import os
import signal
import sys
from pathlib import Path
from unittest.mock import patch

import gateway.app
from gateway.intake import Reply
from gateway.links.mqtt import MqttLink
from muster import main


def dying_link(flag: Path) -> type[MqttLink]:
    """A link whose first receipt under the flag never leaves."""

    class DyingLink(MqttLink):
        def answer(self, reply: Reply) -> None:
            """`Gateway` calls this when the commit is over."""
            if reply.is_receipt and flag.exists():
                flag.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            super().answer(reply)

    return DyingLink


if __name__ == "__main__":
    with patch.object(gateway.app, "MqttLink", dying_link(Path(sys.argv.pop(1)))):
        main()
