"""Lights, tones, buttons and a small display: what an operator has without a screen."""

PINS = r"^(lgpio|mock|pigpio://[^:/@]+:[0-9]{1,5})$"
"""Where pins may be, as a regular expression: this board's, mock ones, those of a pigpiod."""
