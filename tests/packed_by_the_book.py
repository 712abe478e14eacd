"""A second decoder of packed batches, from docs/wire-format.md section 11 and no code of ours.

Slow and plain on purpose: free places are a list, weights are a list. It shows that the
specification is enough.
"""

from collections.abc import Collection, Sequence
from typing import Any

Json = dict[str, Any]
Row = tuple[Any, ...]

LAST4 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UNTRUSTED = {0, 1}
NEAR, UNIT, HOME, AGAIN, AWAY, STRANGER, UNDO, BODY = range(8)


class RangeCode:
    """The decoder of the range code and its forms."""

    def __init__(self, code: bytes) -> None:
        self._code = code + bytes(7)
        self._range = 2**56
        self._value = int.from_bytes(self._code[:7], "big")
        self._next = 7

    def place(self, total: int) -> int:
        return self._value // (self._range // total)

    def take(self, start: int, size: int, total: int) -> None:
        part = self._range // total
        self._value -= part * start
        self._range = part * size
        while self._range <= 2**48:
            self._value = self._value * 256 + self._code[self._next]
            self._range *= 256
            self._next += 1

    def uniform(self, total: int) -> int:
        if total > 2**16:
            low = self.uniform(2**16)
            return low + 2**16 * self.uniform(-(-total // 2**16))
        place = self.place(total)
        self.take(place, 1, total)
        return place

    def bits(self, count: int) -> int:
        value = 0
        for shift in range(0, count, 16):
            value += self.uniform(1 << min(16, count - shift)) << shift
        return value

    def number(self) -> int:
        width = self.uniform(64)
        return width if width < 2 else (1 << width - 1) + self.bits(width - 1)

    def raw(self, count: int) -> bytes:
        return self.bits(8 * count).to_bytes(count, "big")

    def symbol(self, weights: list[int], step: int, possible: Collection[int] | None = None) -> int:
        owned = [w if possible is None or n in possible else 0 for n, w in enumerate(weights)]
        place, found = self.place(sum(owned)), 0
        while sum(owned[: found + 1]) <= place:
            found += 1
        self.take(sum(owned[:found]), owned[found], sum(owned))
        weights[found] += step
        if sum(weights) > 2**15:
            weights[:] = [-(-weight // 2) for weight in weights]
        return found


class Waiting:
    """The form `gaps`."""

    def __init__(self, mean: int) -> None:
        self.sum, self.count, self.far = mean, 1, [60, 1]

    def read(self, code: RangeCode) -> int:
        digits = (self.sum // self.count).bit_length() + 4
        if code.symbol(self.far, 30):
            value = (1 << digits) + code.number()
        else:
            value = 0
            ratio = self.sum * 2**32 // (self.sum + self.count)
            for digit in range(digits):
                ones = max(1, ratio * 2**16 // (2**32 + ratio))
                is_one = int(code.place(2**16) < ones)
                code.take(*((0, ones) if is_one else (ones, 2**16 - ones)), 2**16)
                value += is_one << digit
                ratio = ratio * ratio // 2**32
        self.sum += min(value, 1 << digits)
        self.count += 1
        if self.count > 128:
            self.sum, self.count = self.sum // 2, self.count // 2
        return value


def usual(symbol: int, count: int) -> list[int]:
    return [240 if each == symbol else 1 for each in range(count)]


class Book:
    """Reads one batch; `roster` is that of radio.json, with its people in roster order."""

    def __init__(self, content: bytes, roster: Json) -> None:
        people = {person[0]: person for person in roster["people"]}
        self.people = [people[number] for number in roster["order"]]
        self.code = RangeCode(content[4:])
        self.count = content[3] + 1
        self.roster = roster
        self.free = set(range(len(self.people)))
        self.came: list[int] = []
        self.last: int | None = None
        self.ways = [12, 4, 24, 1, 1, 1, 1, 1]
        self.near = [(10 - distance) ** 2 for distance in range(9)] * 2
        self.squad, self.other = Waiting(5), Waiting(30)
        self.odd, self.kinds, self.digests = usual(0, 2), usual(1, 16), usual(1, 6)
        expected = {AGAIN: 1, AWAY: 2, STRANGER: 3}
        self.reasons = [usual(expected.get(way, 0), 16) for way in range(8)]
        verdicts = {0: 1, 1: 2, 9: 4, 10: 4, 12: 4}
        self.verdicts = [usual(verdicts.get(reason, 3) - 1, 4) for reason in range(16)]
        self.presented: dict[int, Row] = {}

    def read(self) -> list[tuple[int, bytes | Row]]:
        """By number, bodies and the fields of records in the order of section 2."""
        code = self.code
        self.seq = code.number()
        if code.uniform(2):
            self._head()
        else:
            self.point = ""
        self.home = [n for n, person in enumerate(self.people) if person[3] == self.point]
        return [self._entry() for _ in range(self.count)]

    def _head(self) -> None:
        code, points = self.code, self.roster["points"]
        self.activation = code.number()
        place = code.uniform(len(points) + 1)
        self.point = points[place] if place < len(points) else code.raw(code.uniform(129)).decode()
        self.version = self.roster["version"] if code.uniform(2) else code.number()
        self.wall_s, self.lane = code.number(), code.uniform(256)
        self.clock = self._clock()

    def _clock(self) -> Row:
        source, error = self.code.uniform(4), self.code.uniform(23)
        if source not in UNTRUSTED:
            return source, error, 0, 0
        boot, sign = self.code.bits(32), self.code.uniform(2)
        return source, error, boot, self.code.bits(47) * (-1 if sign else 1)

    def _entry(self) -> tuple[int, bytes | Row]:
        code, choices = self.code, self._choices()
        possible = [way for way in range(8) if way > AWAY or choices[way]]
        way = code.symbol(self.ways, 16, possible)
        odd = [0, 0, 0, 0]
        if code.symbol(self.odd, 24):
            odd = [code.uniform(2) for _ in range(4)]
        self.seq += 1 + (1 + code.number() if odd[0] else 0)
        if way == BODY:
            return self.seq, code.raw(code.uniform(255))
        waiting = self.squad if way in {NEAR, UNIT, AGAIN} else self.other
        self.wall_s += -1 - code.number() if odd[1] else waiting.read(code)
        self.clock = self._clock() if odd[2] else self.clock
        self.lane = code.uniform(256) if odd[3] else self.lane
        common = (self._stamp(), self.activation, self.point, self.lane)
        if way == UNDO:
            return self.seq, (2, *common, *self._undo())
        person = self._stranger() if way == STRANGER else self._card(self._person(way, choices))
        self.presented[self.seq] = person
        reason = code.symbol(self.reasons[way], 24)
        verdict = code.symbol(self.verdicts[reason], 24) + 1
        return self.seq, (1, *common, verdict, reason, self.version, *person)

    def _stamp(self) -> Row:
        source, error, boot, offset_ms = self.clock
        wall_ms = self.wall_s * 1000
        mono_ms = max(0, wall_ms + offset_ms) if source in UNTRUSTED else 0
        return wall_ms, mono_ms, boot, source, 2**32 - 1 if error == 22 else 1 << error + 10

    def _choices(self) -> list[Sequence[int]]:
        """By way, the places it can lead to; of the near ones in the order of their symbols."""
        unit: list[int] = []
        back: list[int] = []
        forward: list[int] = []
        if self.last is not None:
            group = self.people[self.last][2:4]
            unit = [n for n in sorted(self.free) if self.people[n][2:4] == group]
            back = [n for n in reversed(unit) if n < self.last][:9]
            forward = [n for n in unit if n > self.last][:9]
        self.symbols = {
            **dict(enumerate(back)),
            **{9 + distance: place for distance, place in enumerate(forward)},
        }
        rest = [n for n in unit if n not in back and n not in forward]
        home = [n for n in self.home if n in self.free and n not in unit]
        away = [n for n in range(len(self.people)) if n not in self.home]
        return [[*back, *forward], rest, home, self.came[::-1], away]

    def _person(self, way: int, choices: list[Sequence[int]]) -> int:
        if way == NEAR:
            place = self.symbols[self.code.symbol(self.near, 10, self.symbols.keys())]
        else:
            place = choices[way][self.code.uniform(len(choices[way]))]
        if place in self.free:
            self.free.remove(place)
            self.came.append(place)
        if way in {NEAR, UNIT, HOME}:
            self.last = place
        return place

    def _card(self, place: int) -> Row:
        number, document, _, _, others = self.people[place]
        known = [b"", bytes.fromhex(document), *map(bytes.fromhex, others)]
        kind = self.code.symbol(self.kinds, 24)
        which = self.code.symbol(self.digests, 24, range(len(known)))
        return number, (kind, known[which], "")

    def _stranger(self) -> Row:
        kind = self.code.symbol(self.kinds, 24)
        digest = self.code.raw(16) if self.code.uniform(2) else b""
        last4 = "".join(LAST4[self.code.uniform(36)] for _ in range(self.code.uniform(5)))
        return None, (kind, digest, last4)

    def _undo(self) -> Row:
        seq = self.seq - 1 - self.code.number()
        if seq in self.presented and self.code.uniform(2):
            person = self.presented[seq]
        else:
            place = self.code.uniform(len(self.people) + 1)
            person = self._stranger() if place == len(self.people) else self._card(place)
        self.presented[self.seq] = person
        return seq, *person
