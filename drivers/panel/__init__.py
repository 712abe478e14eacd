"""Lights and tones an operator sees and hears without a screen."""
