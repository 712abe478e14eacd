"""Invented people of a county, the same ones for the same seed.

Nobody real can be among them: their numbers carry an area code, and their phones a prefix, that
have never been given out. Names are drawn from common surnames and given characters.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final

from sim.devices.card import check_digit

AREA_CODE: Final = "690123"
"""Of no county. GB/T 2260 gives the north-west 61 to 65; 66 to 70 are nobody's, and first digits
8 and 9 mean other kinds of card."""
NEIGHBOUR_AREA_CODE: Final = "690124"
"""Of no county either: for people from elsewhere, whose numbers then differ from all of ours."""

PHONE_PREFIX: Final = "154"
"""China sets no numbers aside for fiction. 154 is a mobile number by its form, and in none of the
ranges the ministry has given to an operator; 10, 11 and 12 would dial short codes such as 120."""

OLDEST: Final = date(1961, 1, 1)
YOUNGEST: Final = date(2006, 12, 31)
MOST_SEQUENCES: Final = 999  # three digits after the birth date, 000 unused; odd for men
_BIRTHDAYS: Final = (YOUNGEST - OLDEST).days + 1

_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁"
_MALE_GIVEN: Final = "伟强磊军勇杰涛明超刚平辉鹏飞建国志文海波峰林斌浩宇春生福贵"
_FEMALE_GIVEN: Final = "芳娜敏静丽艳娟霞秀英玲桂兰红梅燕萍莉雪琳慧婷洁颖珍凤云晓月华"
_SHORT_WEIGHT: Final = 10  # makes about a third of the given names one character, as in life

UNITS: Final = MappingProxyType(
    {
        "应急一排": ("排长", "队员", "队员", "队员", "队员"),
        "应急二排": ("排长", "队员", "队员", "队员", "队员"),
        "医疗组": ("医生", "护士", "卫生员"),
        "通信班": ("班长", "通信员", "通信员"),
        "后勤组": ("组长", "保管员", "炊事员"),
        "运输组": ("组长", "驾驶员", "驾驶员"),
    }
)
"""Units and the posts in them; a post named more often is more common."""
_JOBS: Final = tuple((unit, post) for unit, posts in UNITS.items() for post in posts)

CARD_LOST_SHARE: Final = 0.01  # a few in every township have reported their card lost

ROSTER_COLUMNS: Final = ("id_number", "name", "unit", "point", "post", "phone", "status")
CARD_LOST_STATUS: Final = "card_lost"


class Sex(Enum):
    """As on the card (GB/T 2261.1)."""

    MALE = "1"
    FEMALE = "2"


def _given_names(characters: str) -> tuple[str, ...]:
    pairs = tuple(first + second for first in characters for second in characters)
    return pairs + tuple(characters) * _SHORT_WEIGHT


_GIVEN_NAMES: Final = MappingProxyType(
    {Sex.MALE: _given_names(_MALE_GIVEN), Sex.FEMALE: _given_names(_FEMALE_GIVEN)}
)


@dataclass(frozen=True, slots=True)
class SimPerson:
    """Somebody who does not exist, with all that a roster and a card say about a person."""

    id_number: str = field(repr=False)
    name: str = field(repr=False)
    born: date = field(repr=False)
    sex: Sex = field(repr=False)
    unit: str
    post: str
    point: str
    """Where the person is expected."""
    phone: str = field(repr=False)
    card_lost: bool = False
    """The card was reported lost: whoever shows it is stopped."""


def make_people(
    seed: int,
    count: int,
    points: Sequence[str],
    *,
    area_code: str = AREA_CODE,
    card_lost_share: float = CARD_LOST_SHARE,
) -> list[SimPerson]:
    """`count` people with different numbers, spread evenly over `points`.

    At least one card is lost unless the share is 0. Raises `ValueError` for no points or for more
    people than there are numbers, some 16 million.
    """
    if not points:
        raise ValueError("people need a point to be expected at")
    random = Random(seed)
    slots = random.sample(range(_BIRTHDAYS * MOST_SEQUENCES), count)
    lost = set(random.sample(range(count), share_of(count, card_lost_share)))
    return [
        _make_person(
            random,
            slot,
            area_code=area_code,
            point=points[index % len(points)],
            phone=f"{PHONE_PREFIX}{index:08}",
            card_lost=index in lost,
        )
        for index, slot in enumerate(slots)
    ]


def share_of(count: int, share: float) -> int:
    """How many of `count` a share is: at least one, so that small counties see every case too."""
    return min(count, max(1, round(count * share))) if share > 0 else 0


def write_roster_csv(path: Path, people: Iterable[SimPerson]) -> None:
    """The roster as an office would export it: UTF-8 with a BOM, so that spreadsheets see it."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ROSTER_COLUMNS)
        for person in people:
            status = CARD_LOST_STATUS if person.card_lost else ""
            writer.writerow(
                (
                    person.id_number,
                    person.name,
                    person.unit,
                    person.point,
                    person.post,
                    person.phone,
                    status,
                )
            )


def _make_person(
    random: Random, slot: int, *, area_code: str, point: str, phone: str, card_lost: bool
) -> SimPerson:
    day, sequence = divmod(slot, MOST_SEQUENCES)
    born, sequence = OLDEST + timedelta(days=day), sequence + 1
    sex = Sex.MALE if sequence % 2 else Sex.FEMALE
    first_17 = f"{area_code}{born.year}{born.month:02}{born.day:02}{sequence:03}"
    unit, post = random.choice(_JOBS)
    return SimPerson(
        id_number=first_17 + check_digit(first_17),
        name=random.choice(_SURNAMES) + random.choice(_GIVEN_NAMES[sex]),
        born=born,
        sex=sex,
        unit=unit,
        post=post,
        point=point,
        phone=phone,
        card_lost=card_lost,
    )
