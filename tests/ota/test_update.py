"""A node from the offer of a release to the set that stays, with radio and server in few lines.

The board, its files and the world are those of `./dev soak updates`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devkit.release import format as formats
from devkit.release.keys import rsa_key
from devkit.soak import updates
from devkit.soak.updates import KEY, NEW, NODE, OLD, Life, Plan
from emulator.board.board import DEEPSLEEP_RESET, PWRON_RESET
from emulator.board.flash import FAT

CONFIRMED, TRIAL, SLOT_B = 1 << 28, 2 << 28, 1 << 27


class Node:
    def __init__(self, life: Life) -> None:
        self.life, self.world, self.flash = life, life.world, life.flash
        self.starts_s: list[float] = []
        self.next_cause: int | None = PWRON_RESET

    def run(self, starts: int = 1) -> None:
        for _ in range(starts):
            self.starts_s.append(self.life.board.clock.now_us / 1e6)
            assert self.next_cause is not None, self.world.broken
            on_trial = self.number("ota") >> 28 == 2
            self.next_cause = self.life.start(self.next_cause, on_trial)

    def run_until(self, condition: Callable[[], bool], most: int = 30) -> None:
        for _ in range(most):
            self.run()
            if condition():
                return
        raise AssertionError(f"not within {most} starts: {self.world.reports}")

    def number(self, key: str) -> int:
        return self.life.number(key)

    def told(self, name: str) -> list[Any]:
        return [report[name] for report in self.world.reports if name in report]

    def files(self, folder: str) -> list[str]:
        found = (self.flash / folder).rglob("*")
        return sorted(
            path.relative_to(self.flash / folder).as_posix() for path in found if path.is_file()
        )


@pytest.fixture
def make_node(tmp_path: Path) -> Callable[..., Node]:
    def make(faults: tuple[dict[str, Any], ...] = (), **plan: Any) -> Node:
        return Node(Life(tmp_path / "flash", 1, Plan(**plan), list(faults)))

    return make


def kept(node: Node) -> bool:
    return node.number("ota") == CONFIRMED | SLOT_B | NEW


# The course of an update


@pytest.mark.parametrize("change", updates.CHANGES)
def test_a_release_is_fetched_tried_and_confirmed(make_node, change):
    node = make_node(change=change)
    assert node.life.violations() == []
    assert kept(node)
    assert (node.number("ota_floor"), node.number("ota_bad")) == (NEW, 0)
    assert node.files("b") == sorted([*node.world.new.files, "set"])
    assert node.files("a") == sorted([*node.world.old.files, "set"])
    assert node.files("new") == []


def test_a_download_goes_on_over_cycles_and_each_block_comes_once(make_node):
    node = make_node(change="all", most=2048)
    node.run_until(lambda: kept(node))
    percent = node.told("up")
    assert len(percent) > 2
    assert percent == sorted(percent)
    assert len(set(node.world.blocks)) == len(node.world.blocks)
    assert node.told("rl") == [OLD, NEW]


def test_a_report_is_not_late_while_a_release_comes(make_node):
    node = make_node(change="all", most=600)
    node.run_until(lambda: kept(node))
    apart = [b - a for a, b in zip(node.starts_s[1:], node.starts_s[2:], strict=False)]
    assert len(apart) > 5
    assert all(800 < each < 1000 for each in apart), apart  # a place that is missed is 1800 s


def test_a_period_too_short_for_a_lost_question_gets_no_release(make_node):
    node = make_node(period_s=20)
    node.run(6)
    assert node.number("ota") == CONFIRMED | OLD
    assert node.world.blocks == []


def test_two_lost_blocks_in_a_row_make_the_next_ones_smaller(make_node):
    node = make_node(change="three", losses=(False, True, True, False))
    node.run_until(lambda: kept(node))
    sizes = [size for _, _, size in node.world.blocks]
    assert sizes[0] == 1024
    assert 512 in sizes


@pytest.mark.parametrize(("limit", "size"), [(124, 64), (600, 512), (1063, 512), (1064, 1024)])
def test_a_block_fits_into_a_datagram_of_the_bearer(make_node, limit, size):
    node = make_node(change="three", limit=limit)
    node.run_until(lambda: kept(node))
    assert {each for _, _, each in node.world.blocks} == {size}


def test_a_silent_server_is_asked_for_three_blocks(make_node):
    node = make_node(losses=(True,))
    node.run(3)
    assert len(node.world.blocks) == 3 * 2  # not in the first cycle, which did not begin in time
    assert node.number("ota") == CONFIRMED | OLD


def test_a_confirmation_that_is_lost_is_asked_for_in_the_next_cycle(make_node):
    node = make_node()
    node.run_until(lambda: node.number("ota") >> 28 == 2)
    do_ask, asked = node.world.do_ask, []

    def second(path: str, payload: bytes) -> bytes | None:
        asked.append(payload[1])
        return do_ask(path, payload) if len(asked) > 1 else None

    node.world.do_ask = second
    node.run(2)
    assert asked == [formats.CONFIRMED, formats.CONFIRMED]
    assert kept(node)
    assert node.told("rl") == [OLD, NEW, NEW]


# A release that is no good


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("raises", "crashed"),
        ("fails", "crashed"),
        ("hangs", "crashed"),
        ("mute", "undelivered"),
        ("damaged", "damaged"),
    ],
)
def test_the_old_set_returns_and_says_which_release_was_rejected(make_node, kind, cause):
    node = make_node(kind=kind, change="three")
    assert node.life.violations() == []
    assert node.number("ota") == CONFIRMED | OLD
    assert node.number("ota_floor") == OLD
    assert node.world.rejected == [(NEW, cause)]
    assert node.number("resets") == 0


@pytest.mark.parametrize("kind", ["good", "mute", "hangs"])
def test_measurements_wait_on_flash_on_trial_and_in_rtc_memory_again_behind_it(make_node, kind):
    node = make_node(kind=kind, keep="rtc")
    node.run_until(lambda: node.life.is_over(), 40)
    node.run(4)
    assert node.life.missing() == []
    written = node.life.board.services["flash"].worn.copy()
    node.run(3)
    now = node.life.board.services["flash"].worn
    assert {place for _, place in now - written if "journal" in place} == set()


def test_the_old_set_reports_as_soon_as_a_mute_one_is_rejected(make_node):
    node = make_node(kind="mute")
    node.run_until(lambda: node.number("ota_bad") != 0, 40)
    node.run(2)
    assert node.world.rejected == [(NEW, "undelivered")]


def test_a_release_that_refuses_the_configuration_is_left_after_its_tries(make_node):
    node = make_node()
    node.run_until(lambda: node.number("ota") >> 28 == 2)
    for module, names in node.life.vm._as_loaded:
        if getattr(module, "__name__", "") == "config":
            names["_PERIOD_S"] = -5
    node.run(updates.TRIAL[0] + 1)
    assert node.number("ota") == CONFIRMED | OLD
    assert node.number("ota_bad") == NEW | 1 << 18


# What is refused


def test_content_that_is_wrong_three_times_rejects_the_release(make_node):
    node = make_node(change="three")
    data = node.world.new.files["zeta.mpy"]
    wrong = formats.address(data)
    node.world.objects[wrong] = data[:-1] + b"?"
    node.run_until(lambda: node.world.rejected != [])
    assert node.world.rejected == [(NEW, "mismatch")]
    assert node.number("ota") == CONFIRMED | OLD
    last = (f"u/{wrong}", (len(data) - 1) // 1024, 1024)
    assert node.world.blocks.count(last) == 3


def test_content_without_end_stops_at_the_size_that_was_signed(make_node):
    node = make_node(change="one")
    for address, data in node.world.objects.items():
        if data != node.world.envelope:
            node.world.objects[address] = data + bytes(50_000)
    node.run_until(lambda: node.world.rejected != [])
    assert node.world.rejected == [(NEW, "mismatch")]
    assert len(node.world.blocks) < 10


def test_a_staged_envelope_that_was_damaged_comes_again(make_node):
    node = make_node(change="all", most=600)
    offer = node.flash / "new/offer"
    node.run_until(lambda: offer.exists() and offer.read_text().split()[3] == "1")
    file = node.flash / "new" / formats.address(node.world.envelope)
    file.write_bytes(bytes(file.stat().st_size))
    node.run_until(lambda: kept(node))
    assert node.world.rejected == []


@pytest.mark.parametrize("place", ["b/alpha.mpy", "new/{}.p"], ids=["slot", "staging"])
def test_a_flash_that_does_not_take_the_release_rejects_it(make_node, place):
    node = make_node(change="all", most=600)
    offer = node.flash / "new/offer"
    node.run_until(lambda: offer.exists() and offer.read_text().split()[3] == "1")
    last = formats.address(node.world.new.files["zeta.mpy"])
    (node.flash / place.format(last)).mkdir()
    node.run_until(lambda: node.world.rejected != [])
    assert node.world.rejected == [(NEW, "space")]


def answered(world: Any, key: bytes = KEY, nonce: bytes | None = None) -> Callable[..., bytes]:
    def do_ask(path: str, payload: bytes) -> bytes:
        seen = payload[10:22] if nonce is None else nonce
        return formats.answer(key, NODE, seen, formats.RELEASE, NEW, world.envelope)

    return do_ask


@pytest.mark.parametrize(
    "how",
    [{"key": bytes(32)}, {"nonce": bytes(12)}],
    ids=["another device key", "an answer to another question"],
)
def test_nothing_is_fetched_without_the_tag_of_the_device_key(make_node, how):
    node = make_node()
    node.world.do_ask = answered(node.world, **how)
    node.run(4)
    assert node.world.blocks == []
    assert node.files("new") == []


def test_each_question_has_a_nonce_of_its_own(make_node):
    node = make_node()
    asked: list[bytes] = []
    node.world.do_ask = lambda path, payload: asked.append(payload[10:22])
    node.run(4)
    assert len(set(asked)) == len(asked) == 3
    assert [int.from_bytes(each[:4], "big") for each in asked] == [1, 2, 3]


def test_a_board_with_fat_refuses_and_says_so(make_node):
    node = make_node(fs_type=FAT)
    node.run_until(lambda: node.world.rejected != [])
    assert node.world.rejected == [(NEW, "fat")]
    assert node.files("new") == node.files("b") == []


@pytest.mark.parametrize("name", ["alpha.mpy", "alpha.py", "zeta.mpy"])
def test_what_was_changed_by_hand_is_told_and_stays(make_node, name):
    node = make_node(change="three")
    file = node.flash / "a" / name
    if file.exists():
        updates._damage(file)
    else:
        file.write_text("V = 7\ndef run(call):\n    return V\n")
    content = file.read_bytes()
    node.run(4)
    assert node.told("ch") == [name if name.endswith(".py") else name[:-4]]
    assert node.world.blocks == []
    assert file.read_bytes() == content
    assert node.files("b") == []


def test_several_changes_are_told_as_the_first_and_a_count(make_node):
    node = make_node()
    for name in ("a" * 40 + ".py", "extra.py", "more.py"):
        (node.flash / "a" / name).write_text("")
    node.run(2)
    assert node.told("ch") == ["a" * 32 + " +2"]


def test_a_set_that_is_as_it_was_again_gets_the_release_within_a_day(make_node):
    node = make_node(period_s=21600)
    file = node.flash / "a" / "alpha.mpy"
    content = file.read_bytes()
    updates._damage(file)
    node.run(3)
    assert node.told("ch") == ["alpha"]
    file.write_bytes(content)
    node.run_until(lambda: kept(node), 10)


@pytest.mark.parametrize("limits", [{"most": 0}, {"most": 8192, "supply_mv": 3499}])
def test_no_budget_or_a_low_battery_leaves_the_offer_alone(make_node, limits):
    supply_mv = limits.pop("supply_mv", None)
    node = make_node(**limits)
    for module, names in node.life.vm._as_loaded:
        if getattr(module, "__name__", "") == "node_start":
            names["supply_mv"] = supply_mv
    node.run(4)
    assert node.world.blocks == []
    assert node.number("ota_nonce") == 0


# Keys


def newer_keys(node: Node, version: int) -> bytes:
    """A key file whose only key signs the release from now on; the server gives it first."""
    root, _, _ = updates.keys()
    key = rsa_key()
    found: bytes = formats.key_file(version, {2: formats.modulus(key)}, root)
    world = node.world
    body = world.envelope[7:-384]
    world.envelope = formats.envelope(body, 2, key)
    for content in (found, world.envelope):
        world.objects[formats.address(content)] = content
    ask = world.do_ask

    def do_ask(path: str, payload: bytes) -> bytes | None:
        if payload[1] == 1 and int.from_bytes(payload[8:10], "big") != version:
            return formats.answer(KEY, NODE, payload[10:22], formats.KEYS, 0, found)
        return ask(path, payload)

    world.do_ask = do_ask
    return found


def test_a_newer_key_file_comes_before_the_release_that_it_signs(make_node):
    node = make_node()
    found = newer_keys(node, 2)
    node.run_until(lambda: kept(node))
    assert (node.flash / "keys/release").read_bytes() == found


def test_an_older_key_file_is_refused(make_node):
    node = make_node()
    before = (node.flash / "keys/release").read_bytes()
    newer_keys(node, 0)
    node.run(4)
    assert (node.flash / "keys/release").read_bytes() == before
    assert node.number("ota") == CONFIRMED | OLD


def test_a_release_that_was_verified_before_is_verified_again_with_newer_keys(make_node):
    node = make_node(change="all", most=600)
    offer = node.flash / "new/offer"
    node.run_until(lambda: offer.exists() and offer.read_text().split()[3] == "1")
    world, ask, deliver = node.world, node.world.do_ask, node.world.do_deliver
    key_file = newer_keys(node, 2)
    world.do_ask = (
        lambda path, payload: (  # the answer to the second question is lost
            formats.answer(KEY, NODE, payload[10:22], formats.KEYS, NEW + 1, key_file)
            if payload[8:10] == b"\0\1"
            else None
        )
    )
    world.do_deliver = lambda payload: deliver(payload) and [NEW + 1, bytes(8)]
    node.run()
    assert (node.flash / "keys/release").read_bytes() == key_file
    world.do_ask, world.do_deliver = ask, deliver
    world.envelope = updates.envelope("all", "good")
    node.run_until(lambda: world.rejected != [])
    assert world.rejected == [(NEW, "signature")]


@pytest.mark.parametrize("content", [None, b"", b"PYK"])
def test_a_key_file_that_is_lost_comes_again(make_node, content):
    node = make_node()
    node.run()
    file = node.flash / "keys/release"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    found = newer_keys(node, 1)
    node.run_until(lambda: kept(node))
    assert file.read_bytes() == found


def test_a_release_of_an_unknown_key_is_rejected(make_node):
    node = make_node()
    world = node.world
    world.envelope = formats.envelope(world.envelope[7:-384], 1, rsa_key())
    world.objects[formats.address(world.envelope)] = world.envelope
    node.run_until(lambda: world.rejected != [])
    assert world.rejected == [(NEW, "signature")]


# Trouble of the board


def test_a_board_that_lost_its_nvs_runs_the_set_of_its_slot(make_node):
    node = make_node()
    node.run(1)
    node.life.nvs.records.clear()
    node.run_until(lambda: node.world.running == OLD, 3)
    assert node.number("ota") == CONFIRMED | OLD
    assert node.number("ota_floor") == OLD


def test_the_old_set_runs_if_the_try_cannot_be_counted(make_node):
    node = make_node(({"point": "nvs", "match": "set ota", "do": "fail", "nth": 0},))
    fault = node.life.faults[0]
    node.life._due.clear()
    node.run_until(lambda: node.number("ota") >> 28 == 2)
    node.life._due.append(fault)
    node.run()
    assert node.world.running == OLD
    node.life._due.clear()
    node.run_until(lambda: kept(node))


def test_a_confirmed_set_that_cannot_start_any_more_gives_way_to_the_older_one(make_node):
    node = make_node()
    assert node.life.violations() == []
    node.next_cause = DEEPSLEEP_RESET
    (node.flash / "b/node.mpy").write_bytes(b"damaged")
    ran = []
    for _ in range(5):
        node.run()
        ran.append(node.world.running)
    assert ran == [0, 0, 0, OLD, OLD]
    assert node.world.rejected == [(NEW, "damaged")]
    assert (node.world.broken, node.life.missing()) == ([], [])
