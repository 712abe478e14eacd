"""What is shown of a device's events: enough to judge the device, too little to know the person."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from drivers.device import DeviceEvent
from drivers.gnss.base import Fix, FixQuality, NoFix, NoFixReason
from drivers.radios.base import Heard
from drivers.radios.trial import Sent
from drivers.readers.base import (
    CardRead,
    CardTrouble,
    CodeRead,
    DocumentKind,
    TagRead,
    TroubleReason,
)
from runtime.language import LANGS, Lang
from terminal.device_lines import as_line, as_object, was_decoded

NUMBER, NAME = "11010519491231002X", "张三丰"
CARD = CardRead(
    document=DocumentKind.RESIDENT,
    number=NUMBER,
    number_is_valid=True,
    name=NAME,
    valid_from=date(2020, 1, 1),
    valid_until=None,
    never_expires=True,
)
FIX = Fix(
    utc=datetime(2026, 5, 1, 18, 0, 0, 200_000, tzinfo=timezone(timedelta(hours=8))),
    latitude_deg=30.657123456,
    longitude_deg=104.066,
    altitude_m=None,
    satellites=9,
    hdop=0.9,
    quality=FixQuality.DGPS,
    is_3d=False,
    speed_mps=None,
    received_mono_s=1.0,
)
NO_FIX = NoFix(NoFixReason.FEW_SATELLITES, 1.0)
TROUBLE = CardTrouble(TroubleReason.POSSIBLY_FORGED, bytes.fromhex("000032"))
EVENTS: list[DeviceEvent] = [
    CARD,
    CodeRead(NUMBER),
    CodeRead("1234"),
    TagRead(bytes.fromhex("04a1b2c3d4e5f6"), NAME + NUMBER),
    TagRead(bytes.fromhex("04a1b2c3"), None),
    TROUBLE,
    CardTrouble(TroubleReason.HOLD_STILL),
    CardTrouble(TroubleReason.NOT_READABLE, bytes.fromhex("6a82")),
    FIX,
    NO_FIX,
    Heard((NAME + NUMBER).encode(), -93, 7.5, 1.0),
    Heard(NUMBER.encode(), None, None, 1.0),
    Sent(20, 0.226),
]


@pytest.mark.parametrize("event", EVENTS)
def test_nobody_can_be_told_from_what_is_shown(event: DeviceEvent) -> None:
    shown = [json.dumps(as_object("sdt", event), ensure_ascii=False)]
    shown += [as_line(lang, event) for lang in LANGS]
    for text in shown:
        assert NAME not in text
        assert NUMBER[-5:] not in text
        assert "04a1b2" not in text
        assert "1234" not in text
        assert "\n" not in text


def test_a_card_for_a_program() -> None:
    assert as_object("sdt", CARD) == {
        "event": "card",
        "kind": "sdt",
        "document": "resident",
        "name": "张*丰",
        "number": "…002X",
        "number_is_valid": True,
        "valid_from": "2020-01-01",
        "valid_until": None,
        "never_expires": True,
    }


def test_other_readings_for_a_program() -> None:
    assert as_object("scanner", CodeRead(NUMBER)) == {
        "event": "code",
        "kind": "scanner",
        "length": 18,
        "text": "…002X",
    }
    assert as_object("pn532", TagRead(bytes(7), None)) == {
        "event": "tag",
        "kind": "pn532",
        "uid": "…0000",
        "length": None,
        "text": None,
    }
    assert as_object("sdt", TROUBLE) == {
        "event": "trouble",
        "kind": "sdt",
        "reason": "possibly_forged",
        "sw": "000032",
    }


def test_radio_frames_for_a_program() -> None:
    assert as_object("e22", Heard(bytes(20), -93, None, 1.0)) == {
        "event": "heard",
        "kind": "e22",
        "length": 20,
        "rssi_dbm": -93,
        "snr_db": None,
    }
    assert as_object("e22", Sent(20, 0.22579)) == {
        "event": "sent",
        "kind": "e22",
        "length": 20,
        "airtime_s": 0.226,
    }


def test_a_position_has_seven_keys_and_no_other() -> None:
    assert as_object("nmea", FIX) == {
        "time": "2026-05-01T10:00:00.200Z",
        "lat": 30.6571235,
        "lon": 104.066,
        "alt_m": None,
        "fix": "dgps",
        "sats": 9,
        "hdop": 0.9,
    }
    assert as_object("nmea", NO_FIX) == {
        "time": None,
        "lat": None,
        "lon": None,
        "alt_m": None,
        "fix": "none",
        "sats": None,
        "hdop": None,
    }


@pytest.mark.parametrize(
    ("lang", "event", "line"),
    [
        ("en", CARD, "card: resident ID card 张*丰 …002X, number adds up, valid from 2020-01-01"),
        ("zh", CARD, "证件：居民身份证 张*丰 …002X，号码校验相符，2020-01-01 起长期有效"),
        ("en", CodeRead("1234"), "code: 4 characters, …"),
        ("zh", TagRead(bytes(7), None), "标签：…0000，没有文字"),
        ("en", TROUBLE, "card not read: the reader does not believe it: possibly forged (000032"),
        ("zh", TROUBLE, "证件没有读出：读卡器不认这张证件，可能是伪造 (000032: 读卡器认证证件失败"),
        ("en", CardTrouble(TroubleReason.HOLD_STILL, b"\x6a\x82"), "card not read: not read to"),
        ("en", FIX, "fix: 30.657123 104.066000, ?, DGPS, 9 satellites, HDOP 0.9"),
        ("zh", NO_FIX, "没有定位：可用卫星不足四颗"),
        ("en", Heard(bytes(20), -93, 7.5, 1.0), "frame heard: 20 bytes, RSSI -93 dBm, SNR 7.5 dB"),
        ("zh", Heard(bytes(20), -93, None, 1.0), "收到帧：20 字节，信号 -93 dBm，信噪比 ？"),
        ("en", Sent(20, 0.226), "frame sent: 20 bytes, 0.23 s on the air"),
    ],
)
def test_lines_for_people(lang: Lang, event: DeviceEvent, line: str) -> None:
    assert as_line(lang, event).startswith(line)


def test_what_counts_as_decoded() -> None:
    assert [event for event in EVENTS if not was_decoded(event)] == [
        event for event in EVENTS if isinstance(event, CardTrouble)
    ]


def test_a_receiver_that_does_not_know_the_date() -> None:
    assert as_object("nmea", NO_FIX)["time"] is None
    whole = datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert as_object("nmea", _at(whole))["time"] == "2026-05-01T10:00:00Z"
    assert as_object("nmea", _at(None))["time"] is None


def _at(utc: datetime | None) -> Fix:
    return Fix(utc, 1.0, 2.0, None, None, None, FixQuality.SPS, None, None, 0.0)
