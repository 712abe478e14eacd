"""A broker that will not have a terminal, whose certificate was revoked: the page says so."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from provisioning.broker import CRL
from provisioning.layout import IDENTITY
from provisioning.vault import load_authority
from runtime.tls import NODE_CERTIFICATE
from sim.county import County
from tests.system.rig import (
    Hand,
    assert_nothing_lost_or_doubled,
    drained,
    live,
    small_county,
    until_page,
)

pytestmark = pytest.mark.system

SCANS = 5


async def revoke(county: County, serials: Iterable[int], number: int) -> None:
    """Give the broker a new CRL, which counts from its next start."""
    authority = load_authority(county.paths.authority)
    crl = authority.revocation_list(serials, number, datetime.now(UTC))
    (county.paths.broker / CRL).write_bytes(crl)
    await county.broker.stop()
    await county.broker.start()


@live(60)
async def test_a_revoked_terminal_says_refused_and_keeps_its_records(tmp_path: Path) -> None:
    async with small_county(tmp_path) as (county, post):
        hand = Hand(county, post)
        await hand.scan(SCANS)
        await drained(post)
        pem = (post.folder / IDENTITY / NODE_CERTIFICATE).read_bytes()
        serial = x509.load_pem_x509_certificate(pem).serial_number
        await revoke(county, [serial], number=2)
        await until_page(post, lambda page: page["link"] == "refused")
        await hand.scan(SCANS)
        page = await until_page(post, lambda page: page["custody"]["waiting"])
        assert page["custody"]["waiting"] == SCANS
        await revoke(county, [], number=3)
        await until_page(post, lambda page: page["link"] == "up")
        await assert_nothing_lost_or_doubled(county, post, hand)
