"""Bytes to device facts. Knows nothing of musters."""
