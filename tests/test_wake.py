"""A bearer that can wake its hardware is told so before the sensors are measured."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator.board.board import DEEPSLEEP_RESET
from tests.test_application import MakeNode, Node, make_node

__all__ = ["make_node"]

BEARER = """
from ucollections import namedtuple

_outcome = namedtuple("Outcome", ("status", "cause", "phases"))(2, "attached", (("up", 0),))


class Transport:
    confirms = confirmed = True

    def sendto(self, payload, address):
        print("told: sent")
        return len(payload)

    def close(self):
        pass


def problems(cfg):
    return []


def boot_options(cfg):
    return {}


def carries(cfg):
    return ("message",)


def wake(cfg):
    print("told: wake %s" % cfg._BEARER)
    WAKE


def up(cfg, kind):
    print("told: up")
    return True


def transport(kind):
    return Transport()


def datagram_limit():
    return 200


def metrics():
    return []


def last_outcome():
    return _outcome


def down(settled=False):
    print("told: down")
    return True


def left():
    return True


def stop(woken=False):
    return True
"""
WHOLE = ["wake sleepy", "t = ", "up", "sent", "down"]


def told(node: Node, cause: int | None = None) -> list[str]:
    """What the bearer was told in one more cycle, and when the temperature was there."""
    before = len(node.device.output)
    if cause is None:
        node.device.start(["boot.py", "main.py"], 1)
    else:
        node.device.emulator.run(["boot.py", "main.py"], 1, cause)
    return re.findall(r"(?:told: |node: (?=t = ))(t = |.*)", node.device.output[before:])


def sleepy(make_node: MakeNode, wake: str = "pass", **settings: Any) -> Node:
    node = make_node("good", _BEARER="sleepy", **settings)
    node.device.put("networking/sleepy.py", BEARER.replace("WAKE", wake))
    return node


def test_a_bearer_wakes_while_the_sensors_work(make_node: MakeNode) -> None:
    node = sleepy(make_node)
    assert told(node) == WHOLE[1:]  # a check loads the bearer, and this one takes its time
    assert told(node, DEEPSLEEP_RESET) == WHOLE


@pytest.mark.parametrize("wake", ("raise OSError(5)", "raise Exception('x')", "return 1 // 0"))
def test_a_bearer_that_does_not_wake_costs_no_report(make_node: MakeNode, wake: str) -> None:
    node = sleepy(make_node, wake)
    told(node)
    assert told(node, DEEPSLEEP_RESET) == WHOLE
    assert node.log("bearer not woken")


def test_nothing_wakes_in_a_cycle_that_only_measures(make_node: MakeNode) -> None:
    node = sleepy(make_node, _SEND_EVERY=3)
    assert [told(node), told(node, DEEPSLEEP_RESET)] == [WHOLE[1:], ["t = "]]


def test_what_was_woken_is_switched_off_if_the_measurement_fails(make_node: MakeNode) -> None:
    node = sleepy(make_node)
    told(node)
    (node.device.flash / "sensors" / "si7021.py").unlink()
    assert told(node, DEEPSLEEP_RESET) == ["wake sleepy", "down"]
    assert node.sleeps_ms[-1] > 0
