"""Every verdict has all of its signs, and no two verdicts share one."""

from protocol.verdict import PRESENT_UNLESS_STOPPED, SIGNS, Verdict


def test_every_verdict_has_signs_of_its_own() -> None:
    assert set(SIGNS) == set(Verdict)
    for sign in ("key", "colour", "shape", "word_zh", "word_en", "tone"):
        assert len({getattr(signs, sign) for signs in SIGNS.values()}) == len(Verdict)


def test_only_a_stop_leaves_somebody_out() -> None:
    assert set(Verdict) - PRESENT_UNLESS_STOPPED == {Verdict.STOP}
