"""What an update costs: bytes on air at most, and no report that is late because of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devkit.bench import updates
from devkit.bench.updates import Case, Counted, Releases, Run

pytestmark = pytest.mark.long

# Of all modules: with the most requirements; a short period, in which there is time for it
LARGE = Case(
    "good", 1024, lossless=True, changed=("networking.nbiot", "protocols.coap", "node"),
    period_s=180,
)  # fmt: skip
MOST = 4  # cycles
NOISE = 0.05  # of a period: the fresh part of each start (utils/place.py)


@pytest.fixture(scope="module")
def large() -> Iterator[Releases]:
    with updates.released(LARGE.changed, LARGE.block) as releases:
        yield releases


@pytest.fixture(scope="module")
def quiet(large: Releases) -> Counted:
    """The same cycles without an offer: no figure of them depends on what the release changes."""
    return updates.counted(LARGE, 1, large, 0, MOST)


def assert_on_time(case: Case, counted: Counted) -> None:
    """The update came to its end, and no place in the period was left out."""
    assert counted.confirmed
    period_ms = case.period_s * 1000
    apart_ms = counted.apart_ms
    assert all(abs(each - period_ms) <= period_ms * NOISE * 1.1 for each in apart_ms), apart_ms


def test_an_update_takes_at_most_a_fifth_more_than_its_payload(
    large: Releases, quiet: Counted
) -> None:
    offered = updates.counted(LARGE, 1, large, 100, MOST)
    got = Run(large.payload_bytes, offered, quiet)
    assert 20_000 < got.payload_bytes < 25_000
    assert got.payload_bytes < got.air_bytes <= updates.MOST_RATIO[1024] * got.payload_bytes
    assert got.offered.releases == [1, 1, 1, 2]
    assert_on_time(LARGE, offered)


def test_blocks_of_512_bytes_take_three_tenths_more(quiet: Counted) -> None:
    case = Case("good", 512, lossless=True, period_s=LARGE.period_s)
    with updates.released(case.changed, case.block) as releases:
        offered = updates.counted(case, 1, releases, 100, MOST)
        got = Run(releases.payload_bytes, offered, quiet)
    assert 19_500 < got.payload_bytes < 20_500
    assert 1.2 * got.payload_bytes < got.air_bytes <= updates.MOST_RATIO[512] * got.payload_bytes
    assert_on_time(case, offered)


def test_no_report_is_late_at_the_edge_of_coverage(large: Releases) -> None:
    case = Case("edge", 1024, changed=LARGE.changed)
    assert_on_time(case, updates.counted(case, 7, large, 100, 12))


def test_a_period_without_time_for_an_update_leaves_it_alone(large: Releases) -> None:
    case = Case("edge", 1024, changed=LARGE.changed, period_s=60)
    offered, quiet = (updates.counted(case, 1, large, share, 3) for share in (100, 0))
    assert [len(each.sent) for each in offered.cycles] == [len(each.sent) for each in quiet.cycles]
    near = zip(offered.apart_ms, quiet.apart_ms, strict=True)
    assert all(abs(one - other) < 100 for one, other in near), (offered.apart_ms, quiet.apart_ms)
