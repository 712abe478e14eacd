"""Hypothesis strategies for what travels."""

from hypothesis import strategies as st

from protocol.limits import MAX_COUNT, MAX_MS
from protocol.records import CheckIn, Credential, CredentialKind, Stamp, TimeSource
from protocol.verdict import Reason, Verdict

counts = st.integers(0, MAX_COUNT)
words = st.integers(0, 2**32 - 1)
milliseconds = st.integers(0, MAX_MS)
names = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)

stamps = st.builds(Stamp, milliseconds, milliseconds, words, st.sampled_from(TimeSource), words)
credentials = st.builds(
    Credential,
    st.sampled_from(CredentialKind),
    st.just(b"") | st.binary(min_size=16, max_size=16),
    st.text(max_size=4),
)
check_ins = st.builds(
    CheckIn,
    stamps,
    counts,
    names,
    st.integers(0, 255),
    st.sampled_from(Verdict),
    st.sampled_from(Reason),
    counts,
    st.none() | counts,
    credentials,
)
