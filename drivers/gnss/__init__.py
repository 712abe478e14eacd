"""Satellite receivers: where we are and what time it is."""
