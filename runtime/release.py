"""What this program is: version, and the date before which it cannot be running."""

from datetime import UTC, datetime, timedelta

VERSION = "0.1.0"
RELEASED = datetime(2026, 11, 23, tzinfo=UTC)
"""A clock that says earlier is wrong. Raised with every release."""
SERVICE_LIFE = timedelta(days=20 * 365)
"""A clock that says this much later is wrong as well: no release runs for twenty years."""
