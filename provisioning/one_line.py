"""What goes wrong in a command, as one line for whoever typed it."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from protocol.errors import ProtocolError
from provisioning.errors import ProvisioningError
from runtime.config import ConfigError
from runtime.table import TableError


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what provisioning raises into click's own error: the sentence, and exit code 1."""
    try:
        yield
    except (ProvisioningError, ProtocolError, ConfigError, TableError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
