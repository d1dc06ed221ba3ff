"""_SEND_EVERY: each period is measured, and the radio rests until n measurements go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devkit.servers.coap import CoapServer
from devkit.servers.receiver import records
from emulator.cycle import Cycle
from tests.device import Device

pytestmark = pytest.mark.both_runtimes(every=4)

MakeDevice = Callable[..., Device]
SERVER = "192.0.2.1:5683"
SAFE: dict[str, Any] = {"radio": {"loss": 0.0, "outliers": False, "no_service": 0.0}}


@pytest.fixture
def server() -> Iterator[CoapServer]:
    with CoapServer() as running:
        yield running


@pytest.fixture
def start(make_device: MakeDevice, server: CoapServer) -> Callable[..., Device]:
    """A board with these fields in its config.py."""

    def make(scenario: Any = SAFE, **settings: Any) -> Device:
        route = f"{SERVER}={server.host}:{server.port}"
        device = make_device(scenario, routes=[route], modem_on_boot=False)
        lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
        with (device.flash / "config.py").open("a", encoding="utf-8") as config:
            config.write("\n" + "".join(lines))
        return device

    return make


def more(device: Device, count: int) -> list[Cycle]:
    """Go on behind the last deep sleep."""
    cause = device.emulator.next_cause
    assert cause is not None
    return device.emulator.run(["boot.py", "main.py"], count, cause)


def first(device: Device, count: int = 1) -> list[Cycle]:
    return device.start(["boot.py", "main.py"], count)


def sending(cycles: list[Cycle]) -> str:
    return "".join("1" if cycle.sent else "0" for cycle in cycles)


def sequences(server: CoapServer) -> list[int]:
    """The numbers of the measurements that the server has."""
    found = [record for datagram in server.received for record in records(datagram)]
    return sorted({int(each.value) for each in found if each.name.endswith(":")})


@pytest.mark.cpython  # nine cycles; both kinds run on the other runtime below
def test_the_radio_is_used_in_every_nth_cycle_only_and_all_measurements_come(
    start: Callable[..., Device], server: CoapServer
) -> None:
    device = start(_SEND_EVERY=4)
    cycles = first(device, 9)
    assert sending(cycles) == "100010001"
    assert sequences(server) == list(range(9))
    for cycle in cycles:
        assert cycle.ok, cycle.trouble
        if not cycle.sent:
            assert (cycle.cause, cycle.accepted, cycle.at_exchanges) == ("measured", None, 0)
            assert (cycle.radio_on_ms, cycle.uart_bytes) == (0, 0)
    assert [cycle.waiting for cycle in cycles[:5]] == [0, 1, 2, 3, 0]
    assert [cycle.batch for cycle in cycles[:5]] == [None, [1, 4], [2, 4], [3, 4], None]
    assert device.service("config").flags["lte_modem_en_on_boot"] is False


WARM_S, COOL_S = 5_000, 8_000
COURSE = [[0, 21.0], [WARM_S - 1, 21.0], [WARM_S, 35.0], [COOL_S - 1, 35.0], [COOL_S, 29.0]]


@pytest.mark.cpython  # 12 cycles; sensors/test_alarm.py, utils/test_batch.py
def test_a_value_that_leaves_its_bounds_is_sent_at_once_and_once_more_when_it_is_back(
    start: Callable[..., Device], server: CoapServer
) -> None:
    line = ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "alarm": {"t": (None, 30)}})
    chip = {"supply_pin": "P11", "temperature_c": COURSE}
    device = start({**SAFE, "chips": {"si7021": chip}}, _SEND_EVERY=24, _SENSORS=(line,))
    cycles = first(device, 12)
    starts = [cycle.started_us / 1e6 for cycle in cycles]
    changes = [next(place for place, at_s in enumerate(starts) if at_s >= change_s)
               for change_s in (WARM_S, COOL_S)]  # fmt: skip
    assert [place for place, cycle in enumerate(cycles) if cycle.sent] == [0, *changes]
    assert sequences(server) == list(range(changes[-1] + 1))
    assert cycles[-1].batch == [11 - changes[-1], 24]


@pytest.mark.cpython  # 14 cycles
def test_a_cycle_that_could_not_send_is_made_up_for_by_the_next(
    start: Callable[..., Device], server: CoapServer
) -> None:
    device = start(_SEND_EVERY=3, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=30)
    first(device, 3)
    device.emulator.cell.in_coverage = False
    [failed] = more(device, 1)
    assert failed.waiting == 3 and not failed.ok
    device.emulator.cell.in_coverage = True
    cycles = more(device, 10)
    assert sending(cycles).lstrip("0")[:4] == "1001"
    assert sequences(server)[:4] == list(range(4))


# The check of the configuration


UNUSED = (
    "node_check.py",
    "node_reset.py",
    "sensors/_check.py",
    "utils/journal.py",
    "utils/_journal_whole.py",
)


def test_a_cycle_that_only_measures_needs_none_of_the_files_that_check_and_send(
    start: Callable[..., Device],
) -> None:
    device = start(_SEND_EVERY=4)
    first(device)
    for folder in ("networking", "protocols"):
        for path in (device.flash / folder).glob("*.py"):
            path.unlink()
    for name in UNUSED:
        (device.flash / name).unlink()
    assert [(cycle.cause, cycle.waiting) for cycle in more(device, 2)] == [
        ("measured", 1), ("measured", 2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("config.py", "_PERIOD_S = 900.0"),
        ("config.py", "_SENSORS = (('si7021', {'sda_pin': 'P9', 'scl_pin': 'P9'}),)"),
        ("config.py", "_BEARER = 'warp'"),
        ("credentials.py", "_TOKEN = 5"),
    ],
)
def test_a_configuration_that_went_bad_in_the_sleep_is_refused(
    start: Callable[..., Device], file: str, line: str
) -> None:
    device = start(_SEND_EVERY=4, _PROTOCOL="coap", _TOKEN=None)
    first(device, 2)
    with (device.flash / file).open("a", encoding="utf-8") as text:
        text.write(f"\n{line}\n")
    if file == "credentials.py":  # which is read last on a real configuration, too
        config = device.flash / "config.py"
        config.write_text(config.read_text() + "from credentials import _TOKEN\n")
    assert [cycle.cause for cycle in more(device, 2)] == ["configuration"] * 2


def test_a_configuration_is_examined_again_after_any_reset(start: Callable[..., Device]) -> None:
    device = start(_SEND_EVERY=4)
    first(device, 2)
    (device.flash / "sensors" / "si7021.py").write_text("FIELDS = ()\n", encoding="utf-8")
    [cycle] = first(device)
    assert cycle.cause == "configuration"


def test_a_server_that_answered_last_time_gets_several_messages_at_once(
    start: Callable[..., Device],
) -> None:
    device = start(SAFE, _SEND_EVERY=6, _MODEM_LINK="lte")  # short messages
    assert sending(first(device, 7)) == "1000001"
    events = [
        entry.kind if entry.kind == "at>" else entry.text.split()[0]
        for entry in device.board.trace.entries
        if entry.kind == "net" or entry.kind == "at>" and "SQNSSENDEXT" in entry.text
    ]
    second = events[events.index("arrived") + 1 :]
    assert second[: second.index("arrived")].count("at>") == 3
