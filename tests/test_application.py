"""The template application on the emulated board, with a real server: cycle by cycle."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devkit.servers.receiver import records
from devkit.servers.server import Received
from devkit.servers.udp import UdpServer
from emulator.cycle import Cycle
from tests.device import Device

pytestmark = pytest.mark.both_runtimes(every=4)


MakeDevice = Callable[..., Device]
SERVER = "192.0.2.1:5683"
JOURNAL = "journal"  # folder on the flash
APPLICATION = ["boot.py", "main.py"]
LOSSLESS = {"loss": 0.0, "outliers": False, "no_service": 0.0}
SAFE: dict[str, Any] = {"radio": LOSSLESS}
BY_LTE: dict[str, Any] = {"_MODEM_LINK": "lte"}  # the template's is the UART


class Node:
    """A device with a server behind it; `settings` are appended to its config.py."""

    def __init__(
        self,
        make_device: MakeDevice,
        server: UdpServer,
        scenario: str | dict[str, Any],
        settings: dict[str, Any],
        firmware: str,
        seed: int,
    ) -> None:
        route = f"{SERVER}={server.host}:{server.port}"
        options: dict[str, Any] = {"firmware": firmware, "seed": seed, "modem_on_boot": False}
        self.device = make_device(scenario, routes=[route], **options)
        self.server = server
        self.configure({"_PROTOCOL": "udp", **settings})  # this server answers nothing

    def configure(self, settings: dict[str, Any]) -> None:
        lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
        with (self.device.flash / "config.py").open("a", encoding="utf-8") as config:
            config.write("\n" + "".join(lines))

    def run(self, cycles: int = 1, scripts: list[str] = APPLICATION) -> list[Cycle]:
        done = self.device.start(scripts, cycles)
        delivered = sum(datagram.delivered for cycle in done for datagram in cycle.sent)
        self.server.wait_for(delivered, timeout_s=5)
        return done

    @property
    def received(self) -> list[Received]:
        return self.server.received

    @property
    def sleeps_ms(self) -> list[int]:
        return [int(text.split()[0]) for text in self.device.traced("sleep")]

    def service_flags(self) -> dict[str, Any]:
        flags: dict[str, Any] = self.device.service("config").flags
        return flags

    def log(self, word: str) -> list[str]:
        return [line for line in self.device.output.splitlines() if word in line]


@pytest.fixture
def make_node(make_device: MakeDevice) -> Iterator[Callable[..., Node]]:  # noqa: F811
    servers: list[UdpServer] = []

    def make(
        scenario: str | dict[str, Any] = "good",
        firmware: str = "1.20.2.r4",
        seed: int = 1,
        **settings: Any,
    ) -> Node:
        servers.append(UdpServer())
        return Node(make_device, servers[-1], scenario, settings, firmware, seed)

    yield make
    for server in servers:
        server.close()


MakeNode = Callable[..., Node]


def on_flash(node: Node) -> bool:
    """The flash holds measurements."""
    return any(path.stat().st_size > 40 for path in (node.device.flash / JOURNAL).glob("*"))


def names(datagram: Received) -> list[str]:
    """What it measures, without the name of the node in front."""
    return [record.name.rpartition(":")[2] for record in records(datagram)]


def value(datagram: Received, name: str) -> float:
    [found] = [record for record in records(datagram) if record.name.endswith(":" + name)]
    return float(found.shown)


def measured(received: list[Received]) -> list[tuple[int, dict[str, Any]]]:
    """Each measurement of some datagrams, or its part in one: number and values."""
    found: list[tuple[int, dict[str, Any]]] = []
    for datagram in received:
        for record in records(datagram):
            name = record.name.rpartition(":")[2]
            if not name:
                assert isinstance(record.value, int)
                found.append((record.value, {}))
            else:
                found[-1][1][name] = record.value
    return found


def sequences(received: list[Received]) -> list[int]:
    """The numbers of the measurements in the order in which they came."""
    return list(dict.fromkeys(number for number, _ in measured(received)))


# When everything works


def test_a_board_without_slots_says_and_keeps_nothing_of_updates(make_node: MakeNode) -> None:
    node = make_node(SAFE)
    node.run(2)
    told = {name for datagram in node.received for name in names(datagram)}
    assert told.isdisjoint({"rl", "up", "rj", "rc", "ch"})
    keys = {key for key, _ in node.device.service("nvs").records}
    assert not [key for key in keys if key.startswith("ota")]
    assert not {path.name for path in node.device.flash.iterdir()} & {"a", "b", "new"}


@pytest.mark.parametrize(
    ("settings", "firmware", "limit"),
    [({}, "1.20.2.r4", 1500), (BY_LTE, "1.20.2.r4", 124), (BY_LTE, "1.20.2.r7", 1500)],
)
def test_three_cycles_from_end_to_end(
    make_node: MakeNode, settings: dict[str, Any], firmware: str, limit: int
) -> None:
    node = make_node(SAFE, firmware=firmware, **settings)
    cycles = node.run(3)
    assert [cycle.reset_cause for cycle in cycles] == ["power_on", "deepsleep", "deepsleep"]
    for cycle in cycles:
        assert (cycle.ended, cycle.error, cycle.status) == ("deepsleep", None, 1)
        assert cycle.cause == "attached"
        assert cycle.delivered == len(cycle.sent) == cycle.accepted >= 1
        polls = 7  # at most, until the packet service has followed the registration
        time = 3  # asked for while the clock is new
        assert cycle.at_exchanges <= 32 + polls + time + 2 * (len(cycle.sent) - 1)
    assert sequences(node.received) == [0, 1, 2]
    assert all(len(datagram.data) <= limit for datagram in node.received)
    assert (max(len(datagram.data) for datagram in node.received) > 124) == (limit > 124)
    by_uart = ["lk" in names(datagram) for datagram in node.received]
    assert by_uart == [not settings] * len(by_uart)


def test_a_report_holds_both_measurements_and_the_signal(make_node: MakeNode) -> None:
    node = make_node(
        {"radio": {**LOSSLESS, "rsrp_dbm": -92.5, "rsrq_db": -9.6}, "chips": {
            "si7021": {"temperature_c": 21.4, "humidity_rh": 54.8}, "battery": {"open_mv": 3900}}}
    )  # fmt: skip
    node.run()
    found = {
        record.name.rpartition(":")[2]: (float(record.shown), record.unit)
        for datagram in node.received
        for record in records(datagram)
    }
    units = {unit for _, unit in found.values()}
    assert {"Cel", "%RH", "dBm", "dB"} <= units and units & {"V", "mV"}
    by_unit = {unit: number for number, unit in found.values()}
    assert by_unit["Cel"] == pytest.approx(21.4, abs=0.5)
    assert by_unit["%RH"] == pytest.approx(54.8, abs=3)
    assert by_unit["dBm"] == -93 and by_unit["dB"] == -10.0
    prefix = {record.name.rpartition(":")[0] for record in records(node.received[0])}
    [identity] = prefix
    assert len(identity) == 8
    turned = int.from_bytes(base64.urlsafe_b64decode(identity), "big")  # left, by two bits
    mac = int.from_bytes(node.device.service("system").mac, "big")
    assert turned == mac << 2 & 0xFFFFFFFFFFFF | mac >> 46


def test_a_broken_sensor_is_told_with_its_cause_and_costs_its_own_values_only(
    make_node: MakeNode,
) -> None:
    node = make_node({"radio": LOSSLESS, "chips": {"si7021": {"absent": True}}})
    node.run()
    [report] = node.received
    assert "t" not in names(report) and "h" not in names(report)
    assert [record.value for record in records(report) if record.name.endswith(":t_e")] == [
        "absent"
    ]
    assert value(report, "v") == pytest.approx(3.9, abs=0.1)
    assert len(node.log("absent")) == 1  # said once, not once for each value


@pytest.mark.cpython  # the same as three cycles from end to end
def test_the_next_report_tells_how_long_attaching_took(make_node: MakeNode) -> None:
    node = make_node(SAFE, _PHASES_EVERY=0)
    cycles = node.run(2)
    phase = {phase.name: phase.duration_ms for phase in cycles[0].phases}
    assert "at" not in names(node.received[0])
    assert value(node.received[1], "at") == phase["attachment"]


@pytest.mark.cpython  # five cycles; the next one has phases on the other runtime
def test_phases_of_the_cycle_before_are_reported_now_and_then(make_node: MakeNode) -> None:
    node = make_node(SAFE, _PHASES_EVERY=3)
    cycles = node.run(5)
    told = {number: values["aw"] for number, values in measured(node.received) if "aw" in values}
    assert list(told) == [1, 4]
    assert told[4] == pytest.approx(cycles[3].awake_ms, abs=100)


@pytest.mark.parametrize("name", ("x", "a-node-of-20-letters"))
def test_what_does_not_fit_goes_into_the_next_datagram(make_node: MakeNode, name: str) -> None:
    node = make_node(SAFE, _PHASES_EVERY=1, _DEVICE_NAME=name, **BY_LTE)
    cycles = node.run(3)
    assert all(cycle.ok for cycle in cycles)
    assert max(len(datagram.data) for datagram in node.received) <= 124
    told = {item for number, values in measured(node.received) if number == 2 for item in values}
    assert {"at", "in", "pr", "ac", "se", "de", "aw", "rp", "rq"} <= told
    assert all(record.name.startswith(name) for d in node.received for record in records(d))


@pytest.mark.parametrize("period_s", (60, 900, 86400))
def test_wake_ups_are_a_period_apart_at_a_place_of_its_own(
    make_node: MakeNode, period_s: int
) -> None:
    """A new node reports at once, and not sooner than a period later; each has a fresh part. The
    clock drifts by 3 %, and once its rate is known by 0.5 %."""
    fresh_s = min(period_s / 20, 60) + 1
    node = make_node(SAFE, _PERIOD_S=period_s)
    starts_s = [cycle.started_us / 1e6 for cycle in node.run(3)]
    first_s, second_s = [late - early for early, late in zip(starts_s, starts_s[1:], strict=False)]
    assert 0.97 * period_s - 1 <= first_s <= 1.03 * (period_s * 2 + fresh_s)
    assert abs(second_s - period_s) <= fresh_s + 0.03 * period_s


def test_a_cycle_longer_than_its_period_sleeps_all_the_same(make_node: MakeNode) -> None:
    node = make_node("no_cell", _PERIOD_S=30)
    [cycle] = node.run()
    assert cycle.ended == "deepsleep"
    assert 1 <= node.sleeps_ms[0] <= 32_000


@pytest.mark.cpython  # the same as three cycles from end to end
def test_between_cycles_modem_and_sensors_are_off(make_node: MakeNode) -> None:
    node = make_node(SAFE)
    node.run(2)
    meter = node.device.board.meter
    assert meter.state("modem") == "off" and meter.state("radio") == "off"
    assert meter.milliamps() < 0.05


@pytest.mark.cpython  # the same as three cycles from end to end
@pytest.mark.parametrize("settings", ({}, BY_LTE))
def test_start_options_are_written_once_only(
    make_node: MakeNode, settings: dict[str, Any]
) -> None:
    """On a new board, with which the firmware starts the modem: for its LTE only."""
    node = make_node(SAFE, **settings)
    node.service_flags()["lte_modem_en_on_boot"] = True
    node.run(3)
    written = [text for text in node.device.traced("nvs") if text.startswith("setting")]
    assert len(written) == len(set(written)) <= 5
    flags = node.device.service("config").flags
    assert not flags["wifi_on_boot"] and not flags["heartbeat_on_boot"]
    assert flags["lte_modem_en_on_boot"] == (settings == BY_LTE)
    assert ("lk" in names(node.received[-1])) == (not settings)


@pytest.mark.cpython  # networking/test_nbiot_choice.py runs on both
def test_where_the_uart_fails_lte_carries_that_report_and_the_next_at_once(
    make_node: MakeNode,
) -> None:
    node = make_node({**SAFE, "modem": {"uart1": False}})
    first, second = node.run(2)
    assert (first.cause, second.cause) == ("attached", "attached")
    assert sequences(node.received) == [0, 1]
    assert not any("lk" in names(datagram) for datagram in node.received)
    assert first.awake_ms > second.awake_ms + 20_000
    assert node.service_flags()["lte_modem_en_on_boot"]


@pytest.mark.parametrize(
    ("version", "host"), [("IPV6", "2001:db8::9"), ("IPV4V6", "2001:db8::9"), ("IP", "192.0.2.9")]
)
def test_a_server_of_either_family(make_node: MakeNode, version: str, host: str) -> None:
    node = make_node(SAFE, _HOST=host, _IP_VERSION=version, _PORT=7000)
    node.device.emulator.routes.add(host, 7000, node.server.host, node.server.port)
    [cycle] = node.run()
    assert cycle.ok and len(node.received) == len(cycle.sent)


# When the network does not work

SCENARIOS = {  # what the application says of each
    "fair": "attached", "edge": "attached", "urc_storm": "attached", "cereg_verbose": "attached",
    "cme_errors": "attached", "slow_attach": "attached", "denied_once": "attached",
    "flapping": "attached", "ipv4_only": "attached", "power_on": "attached",
    "bad_operator": "attached", "lost_datagrams": "attached", "long_tail": "attached",
    "denied": "registration_denied", "no_sim": "sim_missing", "sim_pin": "sim_locked",
    "sim_puk": "sim_locked", "no_cell": "attach_timeout", "modem_mute": "modem_mute",
    "modem_mute_in_attach": "modem_mute", "modem_crash": "modem_rebooted",
}  # fmt: skip


@pytest.mark.cpython  # test_two_runtimes.py compares both
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_ends_in_sleep_and_nothing_is_lost(
    make_node: MakeNode, scenario: str
) -> None:
    node = make_node(scenario, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=120)
    [cycle] = node.run()
    assert cycle.ended == "deepsleep"
    assert cycle.cause == SCENARIOS[scenario]
    assert cycle.reset_cause == "power_on"
    meter = node.device.board.meter
    if scenario != "modem_mute_in_attach":
        assert meter.state("modem") == "off" and meter.state("radio") == "off"
    if scenario in ("denied", "no_sim", "sim_pin", "sim_puk"):
        assert cycle.radio_on_ms <= 5000
    if cycle.cause == "attached":
        assert len(cycle.sent) == cycle.accepted >= 1
        assert cycle.waiting == 0
    else:
        assert cycle.sent == []
        assert cycle.waiting == 1 and on_flash(node)


@pytest.mark.cpython  # six cycles; test_two_runtimes.py has scenarios without a cell
def test_reports_are_sent_once_coverage_returns(make_node: MakeNode) -> None:
    table = {
        "radio": {**LOSSLESS, "in_coverage": False},
        "fault": [{"point": "time", "at_ms": 2_000_000, "do": "regain_coverage"}],
    }
    node = make_node(table, _PHASES_EVERY=0, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=30)
    cycles = node.run(6)
    causes = ["attach_timeout", "attach_timeout", "back_off", "attached", "attached", "attached"]
    assert [cycle.cause for cycle in cycles] == causes
    assert [cycle.waiting for cycle in cycles] == [1, 2, 3, 0, 0, 0]
    assert sequences(node.received) == [0, 1, 2, 3, 4, 5]
    values = [item for datagram in node.received for item in names(datagram)]
    assert values.count("t") == values.count("v") == 6


def outage(ends_ms: int) -> dict[str, Any]:
    return {
        "network": {"cgatt_lag_ms": 0},
        "radio": {**LOSSLESS, "in_coverage": False},
        "fault": [{"point": "time", "at_ms": ends_ms, "do": "regain_coverage"}],
    }


SHORT: dict[str, Any] = {"_PHASES_EVERY": 0, "_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": 10}


@pytest.mark.cpython  # ten cycles
@pytest.mark.parametrize("drain_s", (0, 600))
def test_what_waits_is_sent_for_the_time_that_is_set(make_node: MakeNode, drain_s: int) -> None:
    """Without any time one datagram goes out, in which the next measurement begins."""
    node = make_node(outage(4_700_000), **SHORT, **BY_LTE, _DRAIN_S=drain_s)
    cycles = node.run(10)
    assert [cycle.delivered for cycle in cycles[:6]] == [0] * 6
    if drain_s:
        assert [cycle.waiting for cycle in cycles] == [1, 2, 3, 4, 5, 6, 0, 0, 0, 0]
        assert sequences(node.received) == list(range(10))
    else:
        assert [cycle.accepted for cycle in cycles[6:]] == [1] * 4
        assert 0 < cycles[-1].waiting <= 6
        assert sequences(node.received)[:3] == [0, 1, 2]


@pytest.mark.cpython  # five cycles; both orders: utils/test_journal.py
def test_the_newest_can_be_sent_first(make_node: MakeNode) -> None:
    node = make_node(outage(2_000_000), **SHORT, _ORDER="newest")
    node.run(5)
    assert sequences(node.received) == [3, 2, 1, 0, 4]


def test_a_refused_datagram_is_sent_in_the_next_cycle(make_node: MakeNode) -> None:
    fault = {"point": "command", "match": "AT+SQNSSENDEXT", "nth": 1, "do": "error"}
    node = make_node({**SAFE, "fault": [fault]}, _PHASES_EVERY=0)
    cycles = node.run(2)
    assert [cycle.accepted for cycle in cycles] == [0, 2]
    assert sequences(node.received) == [1, 0]  # what was refused goes last
    assert [cycle.waiting for cycle in cycles] == [1, 0]


def test_a_datagram_lost_with_the_modem_is_sent_in_the_next_cycle(make_node: MakeNode) -> None:
    slow = {"radio": {**LOSSLESS, "uplink_ms": 1900}}
    plain = make_node(slow, _PHASES_EVERY=0)
    plain.run()
    trace = plain.device.board.trace.entries
    [left_ms] = [entry.at_us // 1000 for entry in trace if entry.text.startswith("left ")]
    crash = {"point": "time", "at_ms": left_ms - 500, "do": "crash"}
    node = make_node({**slow, "fault": [crash]}, _PHASES_EVERY=0)
    first, second = node.run(2)
    assert (first.accepted, first.left, first.on_air, first.lost_in_modem) == (1, 0, 0, 1)
    assert (first.waiting, second.waiting) == (1, 0)
    assert sequences(node.received) == [0, 1] and node.log("1 measurement did not leave")


# When parts of the program or of the board do not work

MODULES = {
    "sensor": (
        "sensors/angry.py",
        """
        FIELDS = (("x", "x", "V", 0, 1),)
        ARGUMENTS = ()
        last_cause = None
        def get_reading():
            raise RuntimeError("angry")
        """,
        {"_SENSORS": (("analog_generic", {"data_pin": "P16", "divider": 2}), ("angry", {}))},
    ),
    "bearer": (
        "networking/angry.py",
        """
        def carries(cfg):
            return ("message",)
        def up(cfg, kind):
            raise RuntimeError("angry")
        def down(settled=False):
            raise RuntimeError("angry too")
        def left():
            raise RuntimeError("angry as well")
        def problems(cfg):
            return []
        def metrics():
            return []
        def datagram_limit():
            return 100
        """,
        {"_BEARER": "angry"},
    ),
    "protocol": (
        "protocols/angry.py",
        """
        NEEDS = "message"
        def problems(cfg):
            return []
        def overhead(cfg):
            return 4
        def open(transport, cfg):
            raise RuntimeError("angry")
        """,
        {"_PROTOCOL": "angry"},
    ),
}


@pytest.mark.parametrize("what", MODULES)
def test_a_part_that_raises_does_not_keep_the_node_awake(make_node: MakeNode, what: str) -> None:
    path, source, settings = MODULES[what]
    node = make_node(SAFE)
    node.device.put(path, source)
    node.configure(settings)
    cycles = node.run(2)
    assert [cycle.ended for cycle in cycles] == ["deepsleep"] * 2
    assert node.log("angry")
    for sleep_ms in node.sleeps_ms:
        assert 800_000 < sleep_ms < 1_850_000
    meter = node.device.board.meter
    assert meter.state("radio") == "off"
    if what != "bearer":
        assert meter.state("modem") == "off"
    if what == "sensor":
        assert all(cycle.accepted for cycle in cycles)  # the other one was measured
    else:
        assert cycles[-1].waiting == 2 and on_flash(node)  # nothing is lost


@pytest.mark.parametrize(
    ("file", "step"),
    [
        *[("node.py", step) for step in ("configure", "measure", "connect", "send")],
        ("node_send.py", "_waiting"),
    ],
)
def test_an_exception_in_any_step_ends_in_sleep_with_the_modem_off(
    make_node: MakeNode, file: str, step: str
) -> None:
    node = make_node(SAFE)
    main = node.device.flash / file
    source = main.read_text(encoding="utf-8")
    head = re.search(rf"    def {step}\(self.*\):\n", source)
    assert head is not None
    place = head.end()
    angry = '        raise RuntimeError("angry")\n'
    main.write_text(source[:place] + angry + source[place:], encoding="utf-8")
    [cycle] = node.run()
    assert cycle.ended == "deepsleep"
    assert node.log("angry")
    meter = node.device.board.meter
    assert meter.state("modem") == "off" and meter.state("radio") == "off"


FAULTS = {
    "nvs": {"point": "nvs", "do": "fail"},
    "nvs full": {"point": "nvs", "do": "full"},
    "flash": {"point": "file", "match": "journal", "do": "fail"},
    "sensor": {"point": "i2c", "do": "nack"},
}


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("like", ("good", "no_cell"))
def test_trouble_of_the_board_does_not_stop_the_cycle(
    make_node: MakeNode, what: str, like: str
) -> None:
    node = make_node({"like": like, "fault": [FAULTS[what]]}, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=20)
    cycles = node.run(2)
    assert [cycle.ended for cycle in cycles] == ["deepsleep"] * 2
    if like == "good":
        assert all(cycle.accepted for cycle in cycles)


WRONG = {
    "several": (
        {"_APN": 5, "_PORT": 0, "_PERIOD_S": 1, "_SENSORS": (("warp", {}),), "_IP_VERSION": "X"},
        ["_APN = 5", "_PORT = 0", "_PERIOD_S = 1", "warp", "_IP_VERSION = 'X'"],
    ),
    "bearer": ({"_BEARER": "warp"}, ["warp", "nbiot"]),
    "bearer that leads out": ({"_BEARER": "../main"}, ["../main", "nbiot"]),
    "protocol": ({"_PROTOCOL": "warp"}, ["warp", "udp"]),
    "host": ({"_HOST": ""}, ["_HOST"]),
    "level": ({"_LOG_LEVEL": "LOUD"}, ["_LOG_LEVEL", "WARNING"]),
    "sensor arguments": (
        {"_SENSORS": (("si7021", {"sda_pin": "P99", "scl_pin": "P10"}),)}, ["P99"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_configuration_is_told_and_the_node_sleeps(make_node: MakeNode, name: str) -> None:
    settings, words = WRONG[name]
    node = make_node(SAFE, **settings)
    [cycle] = node.run()
    assert cycle.ended == "deepsleep" and cycle.cause == "configuration"
    assert cycle.radio_on_ms == 0 and cycle.sent == []
    [told] = [line for line in node.log("ERROR") if "configuration" in line]
    assert [word for word in words if word not in told] == []
    expected_s = 3600 if "_PERIOD_S" in settings else 900
    assert node.sleeps_ms[0] == pytest.approx(1000 * expected_s, abs=30_000)
    assert node.device.board.meter.state("modem") == "off"


def test_a_node_that_needs_no_credentials_runs_without_the_file(make_node: MakeNode) -> None:
    node = make_node(SAFE)
    (node.device.flash / "credentials.py").unlink()
    [cycle] = node.run()
    assert (cycle.ended, cycle.cause, cycle.error) == ("deepsleep", "attached", None)


@pytest.mark.parametrize(
    "content", ("", "_APN = \n", "raise ValueError('x')\n", "import nothing\n", None)
)
def test_a_damaged_configuration_file_ends_in_sleep(
    make_node: MakeNode, content: str | None
) -> None:
    node = make_node(SAFE)
    if content is None:
        (node.device.flash / "config.py").unlink()
    else:
        (node.device.flash / "config.py").write_text(content, encoding="utf-8")
    [cycle] = node.run()
    assert cycle.ended == "deepsleep"
    assert cycle.radio_on_ms == 0
    assert node.sleeps_ms[0] > 3_500_000


@pytest.mark.parametrize("file", ("config.py", "credentials.py"))
def test_a_configuration_that_fails_late_is_not_half_used(make_node: MakeNode, file: str) -> None:
    node = make_node(SAFE)
    with (node.device.flash / file).open("a", encoding="utf-8") as text:
        text.write("\n_DEVICE_NAME = meadow\n")
    [cycle] = node.run()
    assert (cycle.ended, cycle.radio_on_ms, cycle.sent) == ("deepsleep", 0, [])
    assert "NameError" in node.device.output


@pytest.mark.parametrize("open_mv, cycles", ((3000, 2), (3299, 1)))
def test_on_a_low_battery_the_radio_is_never_on(
    make_node: MakeNode, open_mv: int, cycles: int
) -> None:
    node = make_node({"chips": {"battery": {"open_mv": open_mv, "ohm": 0.0}}})
    done = node.run(cycles)
    for cycle, sleep_ms in zip(done, node.sleeps_ms, strict=True):
        assert cycle.ended == "deepsleep"
        assert cycle.radio_on_ms == 0 and cycle.sent == []
        assert sleep_ms == 21_600_000
    assert not node.device.service("config").flags["lte_modem_en_on_boot"]
    assert node.device.board.meter.state("modem") == "off"


LOW = {"battery": {"open_mv": 3000, "ohm": 0.0}}
ATTACHES = "import config\nfrom networking import nbiot\nnbiot.connect(config, False)\n"


def test_a_radio_that_a_reset_left_on_goes_off_on_a_low_battery(make_node: MakeNode) -> None:
    node = make_node({**SAFE, "chips": LOW})
    node.device.put("first.py", ATTACHES)
    node.run(scripts=["first.py"])
    assert node.device.modem.cfun == 1
    [cycle] = node.run()
    assert cycle.ended == "deepsleep" and node.device.modem.cfun == 4


def test_on_a_low_battery_later_wakes_cost_no_command_and_no_flash(make_node: MakeNode) -> None:
    node = make_node({**SAFE, "chips": LOW})
    node.service_flags()["lte_modem_en_on_boot"] = True
    cycles = node.run(4)
    assert [cycle.at_exchanges for cycle in cycles[2:]] == [0, 0]
    settings = [text for text in node.device.traced("nvs") if text.startswith("setting")]
    assert len(settings) == len(set(settings))


@pytest.mark.parametrize("bearer", ("warp", 5))
def test_a_wrong_bearer_leaves_no_start_option_on(make_node: MakeNode, bearer: object) -> None:
    node = make_node(SAFE, _BEARER=bearer)
    node.service_flags().update(wifi_on_boot=True, lte_modem_en_on_boot=True)
    [cycle] = node.run()
    flags = node.service_flags()
    assert cycle.ended == "deepsleep" and cycle.cause == "configuration"
    assert not flags["wifi_on_boot"] and not flags["lte_modem_en_on_boot"]
    assert not node.log("Traceback")


def test_a_wrong_bearer_does_not_keep_a_low_battery_from_its_sleep(make_node: MakeNode) -> None:
    node = make_node({**SAFE, "chips": LOW}, _BEARER="warp")
    node.run(2)
    assert node.sleeps_ms == [21_600_000] * 2


def test_a_battery_that_recovers_brings_the_radio_back(make_node: MakeNode) -> None:
    node = make_node({**SAFE, "chips": {"battery": {"open_mv": 3000, "ohm": 0.0}}}, **BY_LTE)
    node.run()
    node.configure({"_BATTERY_MIN_MV": 2500})
    cycles = node.run(2)
    assert all(cycle.accepted for cycle in cycles)
    assert node.device.service("config").flags["lte_modem_en_on_boot"]


def test_without_a_battery_to_protect_it_runs(make_node: MakeNode) -> None:
    node = make_node({**SAFE, "chips": {"battery": {"open_mv": 3000}}}, _BATTERY_PIN=None)
    [cycle] = node.run()
    assert cycle.accepted


HANG = """
import pycom

{names}

def {head}
    if not pycom.nvs_get("hung", 0):
        pycom.nvs_set("hung", 1)
        while True:
            pass
    {rest}
"""


@pytest.mark.parametrize("where", ("sensor", "protocol"))
def test_a_hang_is_ended_by_the_watchdog_and_the_next_cycle_recovers(
    make_node: MakeNode, where: str
) -> None:
    """In the protocol the modem is attached at that moment, and not told of the reset."""
    node = make_node(SAFE)
    if where == "sensor":
        node.device.put("sensors/hanging.py", HANG.format(
            names='FIELDS = (("x", "x", "V", 0, 1),)\nARGUMENTS = ()\nlast_cause = None',
            head="get_reading():", rest="return 1"))  # fmt: skip
        node.configure({"_SENSORS": (("hanging", {}),)})
    else:
        node.device.put("protocols/hanging.py", HANG.format(
            names="from protocols import udp\nfrom protocols.udp import NEEDS, overhead, problems",
            head="open(transport, cfg):", rest="return udp.open(transport, cfg)"))  # fmt: skip
        node.configure({"_PROTOCOL": "hanging"})
    cycles = node.run(3)
    assert [cycle.reset_cause for cycle in cycles] == ["power_on", "watchdog", "deepsleep"]
    assert [cycle.ended for cycle in cycles] == ["reset", "deepsleep", "deepsleep"]
    assert all(cycle.accepted for cycle in cycles[1:])
    meter = node.device.board.meter
    assert meter.state("modem") == "off"


@pytest.mark.cpython  # what a cut leaves on the flash does not depend on the runtime
def test_a_power_cut_at_any_moment_and_the_next_cycle_recovers(make_node: MakeNode) -> None:
    """Every file and NVS operation of a cycle without coverage, in turn."""
    clean = make_node("no_cell", _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=10)
    clean.run(2)
    operations = [("file", text) for text in clean.device.traced("file") if JOURNAL in text] + [
        ("nvs", "set report_seq")
    ]
    assert len(operations) >= 3
    for point, subject in dict.fromkeys(operations):
        for when in ("before", "during", "after"):
            if subject.startswith("open ") and when != "before":
                continue  # the file may be absent, and then nothing is opened
            if point == "nvs" and when == "during":
                continue  # an entry is written whole or not at all
            fault = {"point": point, "match": subject, "nth": 1, "do": "power_cut", "when": when}
            node = make_node({"like": "no_cell", "fault": [fault]},
                             _MAX_ATTACHMENT_ATTEMPT_TIME_SEC=10)  # fmt: skip
            cycles = node.run(3)
            assert [cycle.ended for cycle in cycles].count("reset") == 1, (subject, when)
            assert cycles[-1].ended == "deepsleep", (subject, when)
