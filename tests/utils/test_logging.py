"""utils.logging: levels, the form of a line, and what a line costs that is not shown."""

from __future__ import annotations

import re

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
CALLS = "".join(f"log.{name.lower()}('{name.lower()} %d', 7)\n" for name in LEVELS)


@pytest.mark.parametrize("shown_from", LEVELS)
@pytest.mark.parametrize("face", ("log = logging.Logger('part')", "log = logging"))
def test_lines_below_the_level_are_not_shown(device: Device, shown_from: str, face: str) -> None:
    level = f"logging.setLevel(logging.{shown_from})"
    device.run(f"from utils import logging\n{face}\n{level}\n{CALLS}")
    wanted = [name for name, number in LEVELS.items() if number >= LEVELS[shown_from]]
    assert [line.split()[1] for line in device.log] == wanted
    for line, name in zip(device.log, wanted, strict=True):
        assert line.endswith(f"{name.lower()} 7")


def test_levels_are_ordered_and_info_is_the_default(device: Device) -> None:
    [levels] = device.run(
        "from utils import logging\n"
        + CALLS.replace("log.", "logging.")
        + f"show([getattr(logging, name) for name in {list(LEVELS)!r}])"
    )
    assert levels == list(LEVELS.values())
    assert [line.split()[1] for line in device.log] == ["INFO", "WARNING", "ERROR", "CRITICAL"]


def test_a_line_has_time_level_component_and_text(device: Device) -> None:
    device.run(
        """
        import utime
        from utils import logging
        utime.sleep_ms(5000 - utime.ticks_cpu() // 1000)
        logging.Logger("nbiot").warning("attached after %d ms, %s", 6120, "home")
        """
    )
    assert re.fullmatch(r" +5\.0\d\d WARNING nbiot: attached after 6120 ms, home", device.log[0])


def test_what_is_not_shown_is_not_formatted(device: Device) -> None:
    shown = device.run(
        """
        from utils import logging

        class Dear:
            def __str__(self):
                show("formatted")
                return "dear"

        log = logging.Logger("x")
        log.debug("%s", Dear())
        logging.setLevel(logging.CRITICAL)
        log.error("%s", Dear())
        log.exception(ValueError(), "%s", Dear())
        show("end")
        """
    )
    assert shown == ["end"]
    assert device.log == []


@pytest.mark.parametrize(
    "call, text",
    [
        ('log.info("100 %")', "100 %"),
        ('log.info("%s and %s", 1)', "(1,)"),
        ('log.info("nothing", 1, 2)', "(1, 2)"),
        ('log.info("%d", "x")', "('x',)"),
        ('log.info("%s", (1, 2))', "(1, 2)"),
        ('log.info("")', ""),
    ],
)  # fmt: skip
def test_a_wrong_format_never_raises(device: Device, call: str, text: str) -> None:
    device.run(f"from utils import logging\nlog = logging.Logger('x')\n{call}")
    assert len(device.log) == 1
    assert device.log[0].endswith(text)


def test_exception_shows_message_and_traceback(device: Device) -> None:
    device.run(
        """
        from utils import logging
        try:
            {}["missing"]
        except KeyError as error:
            logging.exception(error, "step %d", 3)
        """
    )
    assert device.log[0].endswith("ERROR app: step 3")
    assert device.log[1].startswith("Traceback")
    assert "KeyError" in device.log[-1]


def test_exception_takes_its_arguments_by_name(device: Device) -> None:
    """As in the documentation of the parent: exception(e, msg)."""
    device.run(
        "from utils import logging\n"
        "logging.exception(e=ValueError('why'), msg='failed')\n"
        "logging.Logger('a').exception(e=ValueError('why'), msg='failed')"
    )
    assert sum("why" in line for line in device.log) == 2
    assert [line for line in device.log if "ERROR a: failed" in line]
