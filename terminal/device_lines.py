"""What a device said, as one line for a person or one object for a program. Pure.

Names, numbers, codes and tags are masked in both: whoever tries a reader need not know whose card
it was. Of a radio frame only length and strength are told.
"""

from datetime import UTC, date, datetime

from drivers.device import DeviceEvent
from drivers.gnss.base import Fix, NoFix
from drivers.power.gauge import Charge
from drivers.radios.base import Heard
from drivers.radios.trial import Sent
from drivers.readers.base import CardRead, CardTrouble, CodeRead, TagRead
from drivers.readers.sdt_frames import parse_reply
from drivers.words import TROUBLE, charge_line, device_words
from protocol.masking import mask_name, mask_number
from runtime.language import Lang

POSITION_DECIMALS = 7  # a centimetre
AIRTIME_DECIMALS = 3
NO_FIX = "none"


def was_decoded(event: DeviceEvent) -> bool:
    """Whether an event holds something the device was meant to give.

    A receiver that says it has no position yet does, and a modem that has sent a frame; a card that
    could not be read does not.
    """
    return not isinstance(event, CardTrouble)


def as_object(kind: str, event: DeviceEvent) -> dict[str, object]:
    """The event for a program; keys and values are in docs/operating.md."""
    match event:
        case CardRead():
            return {
                "event": "card",
                "kind": kind,
                "document": event.document.value,
                "name": mask_name(event.name),
                "number": mask_number(event.number),
                "number_is_valid": event.number_is_valid,
                "valid_from": _iso_day(event.valid_from),
                "valid_until": _iso_day(event.valid_until),
                "never_expires": event.never_expires,
            }
        case CodeRead():
            return {
                "event": "code",
                "kind": kind,
                "length": len(event.text),
                "text": mask_number(event.text),
            }
        case TagRead():
            return {
                "event": "tag",
                "kind": kind,
                "uid": mask_number(event.uid.hex()),
                "length": None if event.text is None else len(event.text),
                "text": None if event.text is None else mask_number(event.text),
            }
        case CardTrouble():
            return {
                "event": "trouble",
                "kind": kind,
                "reason": event.reason.value,
                "sw": event.sw.hex(),
            }
        case Fix():
            return {
                "time": _iso_time(event.utc),
                "lat": round(event.latitude_deg, POSITION_DECIMALS),
                "lon": round(event.longitude_deg, POSITION_DECIMALS),
                "alt_m": event.altitude_m,
                "fix": event.quality.name.lower(),
                "sats": event.satellites,
                "hdop": event.hdop,
            }
        case Charge():
            return {
                "event": "charge",
                "kind": kind,
                "percent": event.percent,
                "volts": event.volts,
                "is_charging": event.is_charging,
                "is_on_mains": event.is_on_mains,
                "source": event.source,
            }
        case Heard():
            return {
                "event": "heard",
                "kind": kind,
                "length": len(event.frame),
                "rssi_dbm": event.rssi_dbm,
                "snr_db": event.snr_db,
            }
        case Sent():
            return {
                "event": "sent",
                "kind": kind,
                "length": event.frame_bytes,
                "airtime_s": round(event.airtime_s, AIRTIME_DECIMALS),
            }
        case NoFix():
            empty = dict.fromkeys(("time", "lat", "lon", "alt_m", "fix", "sats", "hdop"))
            return empty | {"fix": NO_FIX}


def as_line(lang: Lang, event: DeviceEvent) -> str:
    """The event for a person."""
    words = device_words(lang)
    match event:
        case CardRead():
            return words(
                "seen.card",
                document=words.of(event.document),
                name=mask_name(event.name),
                number=mask_number(event.number),
                check=words("seen.number_good" if event.number_is_valid else "seen.number_bad"),
                validity=_validity(lang, event),
            )
        case CodeRead():
            return words("seen.code", length=len(event.text), text=mask_number(event.text))
        case TagRead():
            return words("seen.tag", uid=mask_number(event.uid.hex()), text=_tag_text(lang, event))
        case CardTrouble():
            return words("seen.trouble", why=_why(lang, event))
        case Fix():
            unknown = words("seen.day_unknown")
            return words(
                "seen.fix",
                latitude=f"{event.latitude_deg:.6f}",
                longitude=f"{event.longitude_deg:.6f}",
                altitude=unknown if event.altitude_m is None else f"{event.altitude_m:.1f} m",
                quality=event.quality.name,
                satellites=unknown if event.satellites is None else event.satellites,
                hdop=unknown if event.hdop is None else event.hdop,
            )
        case Charge():
            return charge_line(lang, event)
        case Heard():
            return _heard(lang, event)
        case Sent():
            return words("seen.sent", length=event.frame_bytes, airtime=f"{event.airtime_s:.2f}")
        case NoFix():
            return words("seen.no_fix", why=words.of(event.reason))


def _heard(lang: Lang, heard: Heard) -> str:
    words = device_words(lang)
    unknown = words("seen.day_unknown")
    return words(
        "seen.heard",
        length=len(heard.frame),
        rssi=unknown if heard.rssi_dbm is None else f"{heard.rssi_dbm} dBm",
        snr=unknown if heard.snr_db is None else f"{heard.snr_db:g} dB",
    )


def _validity(lang: Lang, card: CardRead) -> str:
    words = device_words(lang)
    unknown = words("seen.day_unknown")
    since = _iso_day(card.valid_from) or unknown
    if card.never_expires:
        return words("seen.valid_for_ever", since=since)
    return words("seen.valid", since=since, until=_iso_day(card.valid_until) or unknown)


def _tag_text(lang: Lang, tag: TagRead) -> str:
    words = device_words(lang)
    if tag.text is None:
        return words("seen.tag_no_text")
    return words("seen.tag_text", length=len(tag.text), text=mask_number(tag.text))


def _why(lang: Lang, trouble: CardTrouble) -> str:
    """The reason; behind it what the reader's status means, where it is one of the three bytes."""
    words = device_words(lang)
    why = words.of(trouble.reason, TROUBLE)
    if len(trouble.sw) != _SDT_STATUS_BYTES or (status := parse_reply(trouble.sw).status) is None:
        return why
    return f"{why} ({trouble.sw.hex()}: {words.of(status)})"


_SDT_STATUS_BYTES = 3  # other readers' statuses have two


def _iso_day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _iso_time(utc: datetime | None) -> str | None:
    if utc is None:
        return None
    spec = "milliseconds" if utc.microsecond else "seconds"
    return f"{utc.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec)}Z"
