"""Simulated gpsd 3.22: a receiver's sentences in at one side, reports in JSON out at the other.

Written from hw/gpsd.md, never from drivers/. It stands between a simulated receiver and the line to
the host, so that trouble on the serial line stays where gpsd has it: a sentence that is damaged is
dropped here, and what leaves here is whole.

Not modelled: sentences other than RMC, GGA, GSA and GSV, receivers without GSA, several receivers
or hosts, gpsd's guess at the epoch's last sentence (the first GSA is taken for it, once each
second), its estimates of error, its correction of old dates, its blindness for BeiDou in the count
of used satellites.
"""

import json
import re
from functools import reduce
from operator import xor

from sim.devices.line import DeviceLine

RELEASE = "3.22"
DEVICE = "/dev/ttyACM0"
_SENTENCE = re.compile(rb"\$([ -#%-)+-~]*)\*([0-9A-F]{2})\r\n")
_LONGEST_BYTES = 200
_FIRST_PRN = {"GP": 0, "GB": 400, "BD": 400}
_GNSS_ID = {"GP": 0, "GB": 3, "BD": 3}
_SYSTEM_OF_GSA = {"1": "GP", "4": "GB"}
_STATUS = {2: 2, 3: 9, 4: 3, 5: 4, 6: 5, 7: 7, 8: 8}  # GGA quality -> status; 1 is not said
_STATUS_OF_MODE = {"E": 5}
_MPS_PER_KNOT = 1852 / 3600


class SimGpsd:
    """A `DeviceLine` for a receiver to write to; `line` is the host's connection."""

    def __init__(self, line: DeviceLine) -> None:
        self._line = line
        self._received = b""
        self._watched = False
        self._report: dict[str, object] = {}
        self._used: set[int] = set()
        self._hdop = 0.0
        self._seen: dict[str, list[dict[str, object]]] = {}

    async def listen(self) -> None:
        """Greet the host and do as it asks, for ever."""
        await self._say({"class": "VERSION", "release": RELEASE, "proto_major": 3})
        asked = b""
        while True:
            asked += await self._line.read()
            *commands, asked = asked.split(b"\n")
            for command in commands:
                if command.startswith(b"?WATCH=") and json.loads(command[7:].rstrip(b"; \r")):
                    self._watched = True
                    devices = [{"class": "DEVICE", "path": DEVICE, "driver": "NMEA0183"}]
                    await self._say({"class": "DEVICES", "devices": devices})
                    await self._say({"class": "WATCH", "enable": True, "json": True})

    async def read(self) -> bytes:
        """See `DeviceLine.read`; gpsd writes nothing to the receiver."""
        raise AssertionError("nothing is ever sent to the receiver")

    async def write(self, data: bytes) -> None:
        """Take what the receiver says."""
        self._received = (self._received + data)[-_LONGEST_BYTES - len(data) :]
        end = 0
        for found in _SENTENCE.finditer(self._received):
            end = found.end()
            if reduce(xor, found[1], 0) == int(found[2], 16):
                await self._take(found[1].decode())
        self._received = self._received[end:]

    async def _take(self, body: str) -> None:
        kind, *fields = body.split(",")
        match kind[2:]:
            case "RMC":
                self._begin(fields)
            case "GGA" if self._report:
                self._add_position(fields)
            case "GSA":
                await self._add_used(kind[:2], fields)
            case "GSV":
                await self._add_seen(kind[:2], fields)

    def _begin(self, rmc: list[str]) -> None:
        self._used = set()
        self._report = {"class": "TPV", "device": DEVICE, "mode": 1}
        if rmc[1] == "A":
            day, time = rmc[8], rmc[0]
            self._report["time"] = (
                f"20{day[4:]}-{day[2:4]}-{day[:2]}T{time[:2]}:{time[2:4]}:{float(time[4:]):06.3f}Z"
            )
            self._report["speed"] = round(float(rmc[6]) * _MPS_PER_KNOT, 3)
            if rmc[11] in _STATUS_OF_MODE:
                self._report["status"] = _STATUS_OF_MODE[rmc[11]]

    def _add_position(self, gga: list[str]) -> None:
        quality = int(gga[5])
        if not quality:
            return
        if quality in _STATUS:
            self._report["status"] = _STATUS[quality]
        self._report |= {
            "lat": _degrees(gga[1], gga[2]),
            "lon": _degrees(gga[3], gga[4]),
            "altMSL": float(gga[8]),
        }
        self._hdop = float(gga[7])

    async def _add_used(self, talker: str, gsa: list[str]) -> None:
        system = _SYSTEM_OF_GSA[gsa[17]] if talker == "GN" else talker
        self._used |= {_FIRST_PRN[system] + int(number) for number in gsa[2:14] if number}
        if self._report:
            report, self._report = self._report, {}
            if "lat" in report:
                report["mode"] = int(gsa[1])
            await self._tell(report)

    async def _add_seen(self, system: str, gsv: list[str]) -> None:
        if gsv[1] == "1":
            self._seen[system] = []
        count = (len(gsv) - 3) // 4
        for number, elevation, azimuth, strength in (
            gsv[3 + 4 * place : 7 + 4 * place] for place in range(count)
        ):
            prn = _FIRST_PRN[system] + int(number)
            seen: dict[str, object] = {"PRN": prn, "gnssid": _GNSS_ID[system], "svid": int(number)}
            seen |= {"el": float(elevation), "az": float(azimuth), "used": prn in self._used}
            if strength:
                seen["ss"] = float(strength)
            self._seen.setdefault(system, []).append(seen)
        if gsv[0] == gsv[1]:
            listed = [one for sky in self._seen.values() for one in sky]
            sky = {"class": "SKY", "device": DEVICE, "hdop": self._hdop}
            await self._tell(sky | {"satellites": listed})

    async def _tell(self, report: dict[str, object]) -> None:
        if self._watched:
            await self._say(report)

    async def _say(self, report: dict[str, object]) -> None:
        await self._line.write(json.dumps(report, separators=(",", ":")).encode() + b"\r\n")


def _degrees(angle: str, hemisphere: str) -> float:
    point = angle.index(".")
    degrees = int(angle[: point - 2]) + float(angle[point - 2 :]) / 60
    return round(-degrees if hemisphere in {"S", "W"} else degrees, 9)
