"""What is left of a code in a recording: its length, and nothing that it says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.masks.base import Mask
from drivers.masks.text import KeyMask, TextMask
from drivers.readers.key_events import KeyDecoder
from drivers.recording import Recorder, read_recording
from sim.clock import run_virtual
from sim.devices.keyboard import KeyboardLine
from sim.memory import MemoryCable


def masked(mask: Mask, data: bytes) -> bytes:
    return mask.feed(data) + mask.end()


def typed(text: str) -> bytes:
    async def main() -> bytes:
        cable = MemoryCable()
        await KeyboardLine(cable.device).write(text.encode())
        return await cable.host.read()

    return run_virtual(main())


def test_codes_become_their_numbers_and_keep_length_and_end() -> None:
    said = b"MT1:ABC\r\n6901234567892\tMT1:ABC\r"
    assert masked(TextMask(), said) == b"XXXXXX1\r\nXXXXXXXXXXXX2\tXXXXXX1\r"


def test_a_code_without_an_end_is_masked_by_the_pause() -> None:
    mask = TextMask()
    assert mask.feed(b"MT1:") == b""
    assert mask.feed(b"ABC") == b""
    assert mask.end() == b"XXXXXX1"


def test_typed_codes_become_keys_that_are_all_the_same() -> None:
    events = masked(KeyMask(), typed("Mt1:a\r"))
    assert KeyDecoder().feed(events) == b"XxxXx\r"


def test_text_in_the_place_of_events_is_blanked() -> None:
    said = b"6901234567892 MT1:6BFOXN%TS3DH and so on and on\r"
    assert masked(KeyMask(), said) == bytes(len(said))


@pytest.mark.parametrize("make", [TextMask, KeyMask])
@given(pieces=st.lists(st.binary(max_size=80), max_size=8))
def test_any_bytes_keep_their_number(make: type[TextMask | KeyMask], pieces: list[bytes]) -> None:
    mask = make()
    assert len(b"".join(map(mask.feed, pieces)) + mask.end()) == sum(map(len, pieces))


@pytest.mark.parametrize("kind", ["scanner", "wedge", "mrz", "mrz_wedge"])
def test_a_recording_holds_nothing_of_what_was_read(tmp_path: Path, kind: str) -> None:
    secret = "MT1:6BFOXN"
    data = typed(f"{secret}\r") if "wedge" in kind else f"{secret}\r".encode()
    path = tmp_path / "recording"

    with Recorder(path, kind, lambda: 0.0) as recorder:
        recorder.take("device", data)
    recorded = b"".join(entry.data for entry in read_recording(path).entries)
    assert len(recorded) == len(data)
    assert secret.encode() not in recorded
    assert secret.encode() not in KeyDecoder().feed(recorded).upper()
