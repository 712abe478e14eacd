"""`sim scanner`: a barcode and QR scanner, on a serial line or as a keyboard."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import click

from sim.control import Verb, one_word
from sim.dealing import Dealing, deal_options, run_dealt
from sim.devices.deck import read_codes
from sim.devices.keyboard import KeyboardLine
from sim.devices.scanner import SimScanner
from sim.workbench import LineOptions, Workbench, line_options

REREAD_S = 0.75  # hw/scanner.md 3
AROUND: Mapping[str, tuple[bytes, bytes]] = MappingProxyType(
    {
        "cr": (b"", b"\r"),
        "lf": (b"", b"\n"),
        "crlf": (b"", b"\r\n"),
        "tab": (b"", b"\t"),
        "none": (b"", b""),
        "cr-first": (b"\r", b""),
    }
)
"""What goes out before and after a code."""


@click.command()
@line_options(kind="scanner")
@deal_options
@click.option("--suffix", type=click.Choice(list(AROUND)), default="cr", show_default=True)
@click.option("--continuous", is_flag=True, help="Look by itself, and read what stays again.")
@click.option("--wedge", is_flag=True, help="Be a keyboard: send raw input events.")
def scanner(
    *, options: LineOptions, dealing: Dealing, suffix: str, continuous: bool, wedge: bool
) -> None:
    """Simulate a barcode and QR scanner.

    The deck is a text file with one code a line. Ends with the deck, or on Ctrl-C.
    """

    def make(bench: Workbench) -> SimScanner:
        before, after = AROUND[suffix]
        return SimScanner(
            KeyboardLine(bench.line) if wedge else bench.line,
            prefix=before,
            suffix=after,
            reread_s=REREAD_S if continuous else None,
        )

    def more_verbs(device: SimScanner) -> Mapping[str, Verb]:
        return {"show": one_word(device.present)}

    run_dealt(
        "scanner that types" if wedge else "scanner",
        replace(options, kind="wedge") if wedge else options,
        dealing,
        read_deck=read_codes,
        make=make,
        more_verbs=more_verbs,
    )
