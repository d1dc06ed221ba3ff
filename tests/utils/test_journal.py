"""utils.journal: what goes in comes out once, whatever happens between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

MakeDevice = Callable[..., Device]
HEAD = """
from support import *
from utils import journal, store
def queue(keep="rtc", limit=16384, full="oldest"):
    return journal.Journal("/flash/journal", limit, keep, full)
def six(n):
    return [("t", 2000 + n, -2, "Cel"), ("h", 545, -1, "%RH"), ("v", 3881, -3, "V"),
            ("p", 101325, 0, "Pa"), ("d", -n, -1, "m"), ("w", "dry", 0, None)]
def seqs(q, order="oldest"):
    return [entry.seq for entry in q.entries(order)]
"""


def run(device: Device, program: str) -> list[Any]:
    return device.run(HEAD + program)


@pytest.mark.parametrize("keep", ("rtc", "flash"))
def test_what_is_added_comes_out_in_either_order(device: Device, keep: str) -> None:
    [[oldest, newest, last, waiting]] = run(
        device,
        f"""
q = queue("{keep}")
for n in range(100):
    assert q.add(n, 900 * n, 3, six(n))
entries = list(q.entries("oldest"))
assert [entry.records for entry in entries] == [six(n) for n in range(100)]
show([seqs(q), seqs(q, "newest"), entries[99][3], q.waiting])
""",
    )
    assert oldest == list(range(100))
    assert newest == list(range(99, -1, -1))
    assert (last, waiting) == (99 * 900, 100)


def test_what_is_done_does_not_come_again(device: Device) -> None:
    assert run(
        device,
        """
q = queue("flash")
for n in range(100):
    q.add(n, 900 * n, 3, six(n))
for entry in q.entries("oldest"):
    q.done([entry])
    if entry.seq == 60:
        break
for entry in q.entries("newest"):
    q.done([entry])
    if entry.seq == 90:
        break
show(q.waiting)
q.add(100, 0, 4, six(1))
q = queue("flash")
show(seqs(q))
show(q.waiting)
""",
    ) == [29, [*range(61, 90), 100], 30]


def test_what_is_done_between_others_hides_none(device: Device) -> None:
    """It comes again. A segment that cannot be read just then keeps what it has."""
    assert run(
        device,
        """
for number in range(2, 5):
    q = queue("flash")
    if number == 2:
        for n in range(6):
            q.add(n, 900 * n, 3, six(n))
    for entry in list(q.entries("oldest"))[2:]:
        if entry.seq <= number or number == 4:
            q.done([entry])
show((seqs(queue("flash")), queue("flash").waiting))
q = queue("flash")
for n in range(6, 180):
    q.add(n, 900 * n, 3, six(n))
entries = list(q.entries("oldest"))
q.done(entries[130:140])
q.done(entries[120:130])
def fails(number):
    raise OSError(5)
q._all()._segments.read, readable = fails, q._all()._segments.read
q.done(entries[1:2])
q._all()._segments.read = readable
left = seqs(queue("flash"))
show([entry.seq for entry in entries[:120] if entry.seq not in left])
""",
    ) == [[[0, 1], 2], []]


def test_times_are_told_by_the_readings_around(device: Device) -> None:
    """A power cut lies between the epochs; the last is the present one."""
    told = run(
        device,
        """
q = queue("flash")
q.note_clock(3, None)
q.add(0, 100, 3, six(0))
q.note_clock(3, (200, 1000200, 0))
q.add(1, 300, 3, six(1))
q.note_clock(3, (900, 1000990, 10))
q.settle(False, False)
q.note_clock(4, None)
q.add(2, 50, 4, six(2))
q = queue("flash")
q.note_clock(5, (40, 2000040, 7))
q.add(3, 60, 5, six(3))
show([(entry.epoch, entry.before, entry.after) for entry in q.entries("oldest")])
""",
    )
    first, last, now = [200, 1000200, 10], [900, 1000990, 10], [40, 2000040, 7]
    assert told == [[[3, None, first], [3, first, last], [4, None, None], [5, now, None]]]


FAULTY = """
q = queue("{keep}", 1024)
for n in range(40):
    q.add(n, 900 * n, 3, six(n))
    q.settle(n % 3 == 0, False)
show((seqs(q), q.waiting, q.given_up))
for entry in list(q.entries("oldest")):
    q.done([entry])
show((seqs(q), q.waiting))
"""
TROUBLE = [
    {"point": "file", "match": "", "do": "fail", "nth": 0},
    {"point": "file", "match": "read", "do": "fail", "nth": 9},
    {"point": "file", "match": "listdir", "do": "fail", "nth": 0},
    {"point": "file", "match": "remove", "do": "fail", "nth": 0},
    {"point": "file", "match": "", "do": "full", "nth": 0},
    {"point": "file", "match": "write", "do": "full", "nth": 0},
    {"point": "file", "match": "write", "do": "full", "nth": 7},
    {"point": "file", "match": "close", "do": "fail", "nth": 5},
    {"point": "file", "match": "mkdir", "do": "fail", "nth": 0},
    {"point": "nvs", "match": "", "do": "full", "nth": 0},
    {"point": "nvs", "match": "", "do": "fail", "nth": 3},
]


@pytest.mark.both_runtimes(every=12)
@pytest.mark.parametrize(("keep", "filesystem"), [("rtc", "littlefs"), ("flash", "fat")])
@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: " ".join(map(str, fault.values())))
def test_trouble_costs_at_most_what_is_counted(
    make_device: MakeDevice, fault: dict[str, Any], keep: str, filesystem: str
) -> None:
    scenario = {"fault": [fault], "board": {"filesystem": filesystem}}
    device = make_device(scenario, modem_on_boot=False)
    (there, waiting, gone), (left, _) = run(device, FAULTY.format(keep=keep))
    assert sorted(set(there)) == there
    assert there[-1] == 39
    assert len(there) + gone >= 40
    assert waiting == len(there)
    assert left == []


@pytest.mark.parametrize("full", ("oldest", "every_second"))
def test_a_full_journal_keeps_what_its_policy_says(device: Device, full: str) -> None:
    [(there, gone, size)] = run(
        device,
        f"""
import uos
q = queue("flash", 4096, "{full}")
for n in range(200):
    q.add(n, 900 * n, 3, six(n))
size = sum(uos.stat("/flash/journal/%d/%s" % (turn, name))[6]
           for turn in range(4) for name in uos.listdir("/flash/journal/%d" % turn))
show((seqs(q), q.given_up, size))
""",
    )
    assert len(there) + gone == 200
    assert size <= 4096
    if full == "oldest":
        assert there == list(range(200 - len(there), 200))
        assert len(there) > 30
    else:
        gaps = [later - earlier for earlier, later in zip(there, there[1:], strict=False)]
        assert gaps == sorted(gaps, reverse=True)
        assert there[-5:] == [195, 196, 197, 198, 199]
        assert there[0] < 100


def test_a_good_time_alone_costs_no_measurement(device: Device) -> None:
    [(before, after)] = run(
        device,
        """
q = queue("flash", 2048)
for n in range(60):
    q.add(n, 900 * n, 3, six(n))
before = q.given_up
for entry in q.entries("newest"):
    q.done([entry])
    break
q.note_clock(3, (60000, 1800000000, 0))
q.settle(False, False)
show((before, q.given_up))
""",
    )
    assert before == after > 0


DAMAGES = ("zeros", "cut", "layout", "foreign", "lost", "mark", "memory")


@pytest.mark.both_runtimes(every=3)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_costs_what_it_hits(device: Device, damage: str) -> None:
    """Segment 2 is damaged in the middle; what is before and behind comes out."""
    run(
        device,
        """
q = queue("flash", 8192)
for n in range(100):
    q.add(n, 900 * n, 3, six(n))
""",
    )
    file = device.flash / "journal" / "1" / "000002"
    content = file.read_bytes()
    nvs = device.service("nvs")
    if damage == "zeros":
        file.write_bytes(content[:300] + bytes(150) + content[450:])
    elif damage == "layout":
        place = content.rindex(b"\xa5\x13")
        file.write_bytes(content[:place] + bytes(9) + content[place + 9 :])
    elif damage == "cut":
        file.write_bytes(content[:1000])
    elif damage == "foreign":
        (file.parent / "notes.txt").write_text("ours")
        (file.parent / "00004").write_text("ours")
        (file.parent / "000004").mkdir()
    elif damage == "lost":
        file.unlink()
    elif damage == "mark":
        for key in ("j00", "j01", "journal_gone"):
            nvs.put(key, "x" if key != "journal_gone" else 5)
    elif damage == "memory":
        device.service("rtc").kept = b"2 {}" + bytes(range(200))
    [there] = run(device, "q = queue('flash')\nshow(seqs(q))\nq.done(list(q.entries('oldest')))")
    lost = sorted(set(range(100)) - set(there))
    assert there == sorted(there)
    most = {"zeros": 6, "layout": 14, "cut": 60, "lost": 60}.get(damage, 0)
    assert len(lost) <= most
    assert bool(lost) == bool(most)
    assert run(device, "q = queue('flash')\nshow((seqs(q), q.waiting))") == [[[], 0]]


def test_24_measurements_of_six_values_fit_beside_a_long_account(device: Device) -> None:
    [(written, waiting)] = run(
        device,
        """
import uos
store.keep_cycle({"text": "x" * 480})
store.keep_part("clock", bytes(60))
store.keep_part("alarm", bytes(40))
q = queue()
for n in range(24):
    q.add(100000 + n, 40000000 + 900 * n, 3, six(n))
    q.settle(False, False)
show(("journal" in uos.listdir("/flash"), q.waiting))
""",
    )
    assert (written, waiting) == (False, 24)


def test_what_is_given_up_is_counted_over_a_loss_of_power(device: Device) -> None:
    run(
        device,
        """
q = queue("flash")
q.add(0, 0, 3, six(0))
for entry in q.entries("oldest"):
    q.give_up(entry, "refused")
""",
    )
    assert run(device, "q = queue()\nshow((q.given_up, q.waiting, seqs(q)))") == [[1, 0, []]]


def test_a_full_journal_of_the_default_size_has_the_last_72_hours(device: Device) -> None:
    """A quarter of it, and of the 288 measurements of that time."""
    [waiting] = run(
        device,
        """
q, waiting = queue("flash", 16384 // 4), []
for n in range(150):
    q.add(100000 + n, 40000000 + 900 * n, 3, six(n))
    assert q.waiting + q.given_up == n + 1
    waiting.append(q.waiting)
show(waiting)
""",
    )
    assert max(waiting) < 150
    assert min(waiting[71:]) >= 72


def test_a_measurement_that_no_segment_holds_is_given_up_alone(device: Device) -> None:
    assert run(
        device,
        """
q = queue("flash")
for n in range(5):
    assert q.add(n, 900 * n, 3, six(n) + [("x", "x" * 4000 * (n == 2), 0, None)]) == (n != 2)
show((seqs(q), q.waiting, q.given_up))
""",
    ) == [[[0, 1, 3, 4], 4, 1]]
