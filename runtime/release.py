"""What this program is: version, and the date before which it cannot be running."""

from datetime import UTC, datetime

VERSION = "0.1.0"
RELEASED = datetime(2026, 11, 23, tzinfo=UTC)
"""A clock that says earlier is wrong. Raised with every release."""
