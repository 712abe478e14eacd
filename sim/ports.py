"""TCP ports of this machine for programs that are started a moment later."""

import socket
from itertools import cycle
from random import sample

from sim.expose import LOOPBACK

# Below every system's range for outgoing connections (Linux 32768, macOS 49152, or higher): a port
# from within it may be taken by somebody's connection before the program that it is for starts,
# or while it is restarted.
_PORTS = range(20_000, 32_768)
_untried = cycle(sample(_PORTS, len(_PORTS)))  # each once before any comes again


def free_port() -> int:
    """A port on loopback that nobody listens on, and that was not given away lately."""
    for _, port in zip(_PORTS, _untried, strict=False):
        try:
            socket.create_server((LOOPBACK, port)).close()
        except OSError:
            continue
        return port
    raise OSError(f"every port from {_PORTS.start} to {_PORTS.stop - 1} is taken")
