"""The bulletin by radio: told at once, repeated while it is wanted, and silent otherwise."""

import math

import pytest

from gateway.links.lora_news import AGAIN_FIRST_S, AGAIN_LIMIT_S, LISTENS_S, NewsRounds
from protocol.radio_news import Pieces, unpack_piece

MESSAGE = bytes(range(200))
LIMIT = 100


@pytest.fixture
def news() -> NewsRounds:
    made = NewsRounds()
    made.heard("t1", 0)
    made.publish(3, MESSAGE, 0)
    return made


def a_round(news: NewsRounds, now_s: float, limit: int = LIMIT) -> list[bytes]:
    parts = []
    while (part := news.next_part(now_s, limit)) is not None:
        assert len(part) <= limit
        parts.append(part)
    return parts


def test_all_pieces_go_out_at_once_and_make_the_message(news: NewsRounds) -> None:
    assert news.due_s() <= 0
    collected = Pieces()
    assert [collected.take(unpack_piece(part)) for part in a_round(news, 0)][-1] == MESSAGE
    assert news.due_s() == AGAIN_FIRST_S


def test_it_is_repeated_ever_more_seldom_until_it_is_held(news: NewsRounds) -> None:
    pauses, now_s = [], 0.0
    for _ in range(12):
        news.heard("t1", now_s)
        assert len(a_round(news, now_s)) == 3
        pauses.append(news.due_s() - now_s)
        now_s = news.due_s()
    assert pauses == sorted(pauses)
    assert pauses[-1] == AGAIN_LIMIT_S
    news.told("t1", 3)
    assert news.due_s() == math.inf
    assert a_round(news, now_s) == []


def test_nobody_who_listens_means_nothing_is_said() -> None:
    news = NewsRounds()
    news.publish(3, MESSAGE, 0)
    assert a_round(news, 0) == []
    news.heard("t1", 5)
    assert news.due_s() <= 5
    assert len(a_round(news, 5)) == 3
    assert a_round(news, 6 + LISTENS_S) == [], "it is not on the radio any more"


def test_one_that_comes_back_is_told_soon(news: NewsRounds) -> None:
    for now_s in (0, 30, 90, 210):
        a_round(news, now_s)
    back_s = 212 + LISTENS_S
    news.heard("t1", back_s)
    assert len(a_round(news, back_s)) == 3


def test_a_newer_bulletin_cuts_off_the_one_before(news: NewsRounds) -> None:
    news.next_part(0, LIMIT)
    news.publish(4, b"short", 1)
    assert [unpack_piece(part).number for part in a_round(news, 1)] == [4]


def test_smaller_frames_in_the_middle_begin_it_anew(news: NewsRounds) -> None:
    news.next_part(0, LIMIT)
    pieces = [unpack_piece(part) for part in a_round(news, 0, LIMIT - 30)]
    assert [piece.place for piece in pieces] == [0, 1, 2, 3]


def test_when_nobody_listens_any_more_nobody_is_woken_for_it(news: NewsRounds) -> None:
    a_round(news, 0)
    later_s = 1 + LISTENS_S
    assert a_round(news, later_s) == []
    assert news.due_s() == math.inf, "or the gateway would ask again at once, and for ever"
    news.heard("t1", later_s + 5)
    assert news.due_s() == later_s + 5


def test_one_that_lost_what_it_had_is_told_again(news: NewsRounds) -> None:
    news.heard("t2", 0)
    news.told("t1", 3)
    a_round(news, 0)
    assert a_round(news, 1 + LISTENS_S) == []
    news.heard("t1", 2 + LISTENS_S)
    news.told("t1", 2)
    assert len(a_round(news, 2 + LISTENS_S)) == 3
