"""Readers of cards and documents."""
