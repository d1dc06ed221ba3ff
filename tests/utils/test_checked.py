"""utils.checked: a configuration that was found good once need not be examined at each wake-up."""

from __future__ import annotations

import itertools

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes(every=4)

DIGEST = "import config\nfrom utils import checked\nshow(checked.digest(config))\n"
FIELDS = ["'a'", "b'a'", "97", "97.0", "97.00001", "True", "1", "None", "()", "[]", "{}", "('a',)",
          "['a']", "[['a'], []]", "[['a', []]]", "[[], ['a']]", "{'a': 1}", "{'a': True}", "'1'",
          "''", "0", "-0.0", "0.0", "float('nan')", "{'t': (None, 30.1)}", "{'t': (30.1, None)}",
          "'\\u212a'", "10 ** 20"]  # fmt: skip


def digest(device: Device, text: str) -> bytes:
    device.put("config.py", text)
    [found] = device.run(DIGEST)
    assert isinstance(found, bytes)
    return found


def test_configurations_that_differ_have_digests_that_differ(device: Device) -> None:
    """Names and values, whichever file they come from; what is no field does not count."""
    whole = [f"_A = {value}\n" for value in FIELDS]
    whole += ["", "_B = 'a'\n", "_A = 'a'\n_B = None\n", "_A = None\n_B = 'a'\n"]
    digests = {text: digest(device, text) for text in whole}
    assert all(len(each) == 16 for each in digests.values())
    for one, other in itertools.combinations(whole, 2):
        assert digests[one] != digests[other], (one, other)
    assert digest(device, "import machine\n_A = 'a'\n_helper = 5\n") == digests["_A = 'a'\n"]


@pytest.mark.parametrize(
    "value", ["object()", "machine", "len", "[{'a': lambda: 5}]", "bytearray(3)", "LOOP"]
)
def test_a_value_that_cannot_be_compared_is_never_remembered(device: Device, value: str) -> None:
    assert digest(device, f"import machine\nLOOP = []\nLOOP.append(LOOP)\n_A = {value}\n") == b""
    recalled = device.run(
        "from utils import checked\nchecked.remember(b'')\nshow(checked.recall(b''))\n"
    )
    assert recalled == [False]


CYCLE = """
    from support import *
    import machine
    from utils import checked
    digest = b"0123456789abcdef"
    show(checked.recall(digest))
    show(checked.recall(digest))
    {}
    machine.{}
"""


@pytest.mark.parametrize(
    ("remembered", "end", "recalled"),
    [
        ("checked.remember(digest)", "deepsleep(9)", True),
        ("checked.remember(b'another' + bytes(9))", "deepsleep(9)", False),
        ("", "deepsleep(9)", False),
        ("checked.remember(digest)", "reset()", False),
    ],
)
def test_what_was_found_good_is_recalled_once_and_after_a_deep_sleep_only(
    device: Device, remembered: str, end: str, recalled: bool
) -> None:
    device.put("main.py", CYCLE.format(remembered, end))
    device.start(["main.py"], cycles=2)
    assert device.shown[2:] == [recalled, False]
