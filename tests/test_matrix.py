"""Every bearer with every protocol: the template application and a real server, end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiocoap import Code

from collector.decode.senml import Record
from devkit import application
from devkit.servers.coap import CoapServer
from devkit.servers.mqtt import MqttBroker, Subscriber
from devkit.servers.receiver import Receiver, answers, records
from emulator import scenario as scenarios
from emulator.board.board import DEEPSLEEP_RESET, HARD_RESET, PWRON_RESET
from emulator.cycle import Cycle, kept_memory, read_account
from emulator.device_files import copy_device_files
from emulator.emulator import Emulator
from emulator.vm.cpython import CpythonVm

SCENARIO: dict[str, Any] = {  # nothing is lost on the air, so that all can be counted
    "radio": {"loss": 0.0, "outliers": False, "no_service": 0.0},
    "chips": {
        "si7021": {"temperature_c": 21.4, "humidity_rh": 54.8},
        "battery": {"open_mv": 3900},
    },
}
MEASURED = {  # name: unit, least, most
    "t": ("Cel", 20.9, 21.9),
    "h": ("%RH", 51.0, 59.0),
    "v": ("V", 3.6, 4.0),
}


# The signal in its reports; by protocol the cause of a link that is up, and the phase it came with
SIGNAL = {"nbiot": ("rp", "rq"), "wifi": ("rs",)}
LINK = {
    "nbiot": {
        "udp": ("attached", "at"),
        "coap": ("attached", "at"),
        "mqtt": ("attached", "at"),
    },
    "wifi": dict.fromkeys(application.protocols(), ("connected", "as")),
}
BEARERS = tuple(LINK)  # of IP; LoRaWAN has tests of its own below
PAIRS = [(bearer, protocol) for bearer in BEARERS for protocol in application.protocols()]
CONFIRMING = [pair for pair in PAIRS if answers(pair[1])]
BY_LTE: dict[str, Any] = {"_MODEM_LINK": "lte"}
DATA_STATE = ("connected", "co")  # which a stream needs there


class Node:
    """The template application on a board; what it prints is in `output`."""

    def __init__(self, flash: Path, bearer: str, vm: str, settings: dict[str, object]) -> None:
        copy_device_files(flash)
        self.flash = flash
        self.printed: list[str] = []
        self.cause = PWRON_RESET  # of the next start
        application.configure(flash, settings)
        self.emulator = Emulator(
            scenario=scenarios.from_table(SCENARIO),
            name=application.board(bearer),
            chips=application.chips(bearer),
            flash=flash,
            vm=vm,
            console=self.printed.append,
            max_hours=48,
        )
        config: Any = self.emulator.board.services["config"]
        config.flags["lte_modem_en_on_boot"] = False  # as after the first cycle

    @property
    def output(self) -> str:
        return "".join(self.printed)

    def run(self, cycles: int = 1) -> list[Cycle]:
        """Run; whatever happened, each cycle ends asleep with every radio off."""
        done = self.emulator.run(cycles=cycles, cause=self.cause)
        self.cause = HARD_RESET  # by somebody who does not want to wait
        nvs: Any = self.emulator.board.services["nvs"]
        nvs.records.pop(("back_off", "text"), None)
        assert [(cycle.ended, cycle.error) for cycle in done] == [("deepsleep", None)] * cycles
        assert "Traceback" not in self.output and "not confirmed off" not in self.output
        meter = self.emulator.board.meter
        assert [meter.state(part) for part in ("modem", "radio")] == ["off", "off"]
        assert self.emulator.wlan.started is False
        assert meter.state("lora") in ("off", "sleep")
        assert meter.milliamps() < 0.05
        return done

    @property
    def kept(self) -> bool:
        """There are measurements in the journal."""
        return bool(read_account(kept_memory(self.emulator.board))["waiting"])


MakeNode = Callable[..., Node]


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[MakeNode]:
    with ExitStack() as stack:

        def make(bearer: str, protocol: str, vm: str = "cpython", **settings: object) -> Node:
            flash = tmp_path / "flash"
            flash.mkdir()
            node = Node(flash, bearer, vm, {**application.settings(bearer, protocol), **settings})
            stack.enter_context(node.emulator)
            return node

        yield make


def connect(node: Node, bearer: str, server: Any, protocol: str) -> None:
    """Make the server reachable."""
    host, port = application.endpoint(bearer, protocol)
    node.emulator.routes.add(host, port, server.host, server.port)


def reports(payloads: list[list[Record]]) -> dict[int, dict[str, Record]]:
    """number: {name: record}, from all payloads; each record came once."""
    found: dict[int, dict[str, Record]] = {}
    bases = set()
    for pack in payloads:
        base = pack[0].name
        bases.add(base)
        for record in pack:
            assert record.name.startswith(base)
            name = record.name[len(base) :]
            if not name:  # a measurement, or the rest of one, begins
                assert isinstance(record.value, int)
                report = found.setdefault(record.value, {})
            elif name != "bo":
                assert name not in report, f"{name} came twice"
                report[name] = record
    assert len(bases) == 1 and len(bases.pop()) == len("JArEMRjl:")
    return found


def check(report: dict[str, Record]) -> None:
    """What was measured is there, with units, and in range."""
    for name, (unit, least, most) in MEASURED.items():
        assert report[name].unit == unit
        assert least <= float(report[name].shown) <= most, name


def arrived(receiver: Receiver) -> dict[int, dict[str, Record]]:
    return reports([records(each) for each in receiver.received])


# When everything works


def deliver_twice(
    make_node: MakeNode, bearer: str, protocol: str, vm: str = "cpython", **settings: object
) -> None:
    with Receiver(protocol) as receiver:
        node = make_node(bearer, protocol, vm, **settings)
        connect(node, bearer, receiver, protocol)
        receiver.attend(node.emulator)
        cycles = node.run(2)
        assert [cycle.reset_cause for cycle in cycles] == ["power_on", "deepsleep"]
        cause, phase = DATA_STATE if settings == BY_LTE else LINK[bearer][protocol]
        assert [cycle.cause for cycle in cycles] == [cause] * 2
        accepted = sum(cycle.accepted or 0 for cycle in cycles)
        confirmed = sum(cycle.confirmed or 0 for cycle in cycles)
        assert confirmed == (accepted if answers(protocol) else 0)
        receiver.wait_for(accepted, timeout_s=5)
        assert len(receiver.received) == accepted >= 2
        found = arrived(receiver)
    assert sorted(found) == [0, 1]
    for report in found.values():
        check(report)
        assert all(report[name].unit in ("dBm", "dB") for name in SIGNAL[bearer])
    took = found[1][phase]  # of the cycle before
    assert took.unit == "ms" and float(took.shown) > 0
    assert not node.kept


@pytest.mark.parametrize(("bearer", "protocol"), PAIRS)
def test_every_report_arrives(make_node: MakeNode, bearer: str, protocol: str) -> None:
    deliver_twice(make_node, bearer, protocol)


def test_a_stream_by_the_driver_of_the_firmware_needs_data_state(make_node: MakeNode) -> None:
    deliver_twice(make_node, "nbiot", "mqtt", **BY_LTE)


@pytest.mark.vm
@pytest.mark.parametrize(("bearer", "protocol"), [("nbiot", "coap"), ("wifi", "mqtt")])
def test_every_report_arrives_on_micropython(
    make_node: MakeNode, bearer: str, protocol: str
) -> None:
    deliver_twice(make_node, bearer, protocol, "micropython")


# Wi-Fi that the firmware begins before boot.py


def test_without_a_scan_the_firmware_associates_while_python_loads(make_node: MakeNode) -> None:
    with Receiver("udp") as receiver:
        node = make_node("wifi", "udp", _WIFI_FORCE_NO_SCAN=True)
        connect(node, "wifi", receiver, "udp")
        first, second = node.run(2)
        receiver.wait_for(2, timeout_s=5)
        assert sorted(arrived(receiver)) == [0, 1]
    config: Any = node.emulator.board.services["config"]
    assert config.flags["wifi_on_boot"] and config.flags["wifi_ssid_sta"] == "field-ap"
    phases = [{each.name: each.duration_ms for each in cycle.phases} for cycle in (first, second)]
    assert phases[0]["association"] > 1100  # the channels up to its own, and the address
    assert phases[1]["init"] < 20 and phases[1]["association"] < 500  # it was nearly done


def test_a_network_that_was_stored_with_another_password_is_joined_all_the_same(
    make_node: MakeNode,
) -> None:
    node = make_node("wifi", "udp", _WIFI_FORCE_NO_SCAN=True)
    node.run()
    config: Any = node.emulator.board.services["config"]
    config.flags["wifi_pwd_sta"] = "of-last-year"
    [cycle] = node.run()
    assert cycle.cause == "connected"


def test_a_node_that_scans_leaves_wi_fi_off_at_the_start(make_node: MakeNode) -> None:
    node = make_node("wifi", "udp", _WIFI_FORCE_NO_SCAN=True)
    node.run()
    application.configure(node.flash, {"_WIFI_FORCE_NO_SCAN": False})
    node.run()
    config: Any = node.emulator.board.services["config"]
    assert not config.flags["wifi_on_boot"]


# LoRaWAN: plain payloads, which the network server hands on


def over_lorawan(
    make_node: MakeNode, receiver: Receiver, vm: str = "cpython", **settings: Any
) -> Node:
    node = make_node("lora", "udp", vm, **settings)
    connect(node, "lora", receiver, "udp")
    return node


@pytest.mark.parametrize("confirmed", (False, True))
@pytest.mark.parametrize("vm", ("cpython", pytest.param("micropython", marks=pytest.mark.vm)))
def test_every_report_arrives_over_lorawan(make_node: MakeNode, confirmed: bool, vm: str) -> None:
    with Receiver("udp") as receiver:
        node = over_lorawan(make_node, receiver, vm, _LORA_CONFIRMED=confirmed)
        cycles = node.run(3)
        assert [cycle.cause for cycle in cycles] == ["joined", "restored", "restored"]
        assert [cycle.accepted for cycle in cycles] == [1, 1, 1]
        assert [cycle.confirmed for cycle in cycles] == [int(confirmed)] * 3
        receiver.wait_for(3, timeout_s=5)
        found = arrived(receiver)
    assert sorted(found) == [0, 1, 2]
    for report in found.values():
        check(report)
    assert float(found[1]["jo"].shown) > 5000  # the join of the cycle before


def test_at_a_low_data_rate_a_report_is_split_and_never_cut(make_node: MakeNode) -> None:
    with Receiver("udp") as receiver:
        node = over_lorawan(make_node, receiver, _LORA_DR=0)
        [cycle] = node.run()
        assert (cycle.accepted or 0) >= 2
        receiver.wait_for(cycle.accepted or 0, timeout_s=5)
        assert max(len(each.data) for each in receiver.received) <= 51  # EU868, SF12
        check(arrived(receiver)[0])


def test_what_no_gateway_confirms_is_sent_again(make_node: MakeNode) -> None:
    with Receiver("udp") as receiver:
        node = over_lorawan(make_node, receiver, _LORA_CONFIRMED=True)
        node.run()
        lora = node.emulator.lora
        assert lora is not None
        lora.options.gateway = False
        for cycle in node.run(2):
            assert cycle.confirmed == 0
        assert node.kept
        lora.options.gateway = True
        [cycle] = node.run()
        assert cycle.confirmed == cycle.accepted and cycle.waiting == 0
        receiver.wait_for(1 + (cycle.confirmed or 0), timeout_s=5)
        assert sorted(arrived(receiver)) == [0, 1, 2, 3]
    assert not node.kept


@pytest.mark.parametrize(("data_rate", "periods"), [(5, 8), (0, 20)])
def test_a_node_without_a_gateway_costs_little_and_is_back_soon(
    make_node: MakeNode, data_rate: int, periods: int
) -> None:
    node = make_node("lora", "udp", _LORA_DR=data_rate)
    lora, board = node.emulator.lora, node.emulator.board
    assert lora is not None
    node.emulator.vm = CpythonVm(board, node.flash, node.printed.append, install="mpy")
    lora.options.gateway = False
    cycles = node.emulator.run(cycles=96, cause=PWRON_RESET)
    assert sum(cycle.energy_mj for cycle in cycles) < 100_000
    lora.options.gateway = True
    cycles = node.emulator.run(cycles=periods, cause=DEEPSLEEP_RESET)
    assert "joined" in [cycle.cause for cycle in cycles]


# When the server does not work


@pytest.mark.parametrize(("bearer", "protocol"), CONFIRMING)
def test_nothing_is_lost_while_the_server_is_down(
    make_node: MakeNode, bearer: str, protocol: str
) -> None:
    with Receiver(protocol) as receiver:
        node = make_node(bearer, protocol)
        receiver.attend(node.emulator)
        for cycle in node.run(2):
            assert cycle.confirmed == 0
        assert node.kept
        connect(node, bearer, receiver, protocol)
        [cycle] = node.run()
        assert cycle.confirmed == cycle.accepted and cycle.waiting == 0
        receiver.wait_for(cycle.confirmed or 0, timeout_s=5)
        found = arrived(receiver)
    assert sorted(found) == [0, 1, 2]
    for report in found.values():
        check(report)
    assert not node.kept


@pytest.mark.parametrize("bearer", BEARERS)
def test_what_a_coap_server_refuses_is_sent_again(make_node: MakeNode, bearer: str) -> None:
    with CoapServer() as server:
        server.behaviour.code = Code.UNAUTHORIZED
        node = make_node(bearer, "coap", _TOKEN="swordfish")
        node.emulator.routes.patience.rely(0.5)
        connect(node, bearer, server, "coap")
        [cycle] = node.run()
        refused = len(server.received)
        assert refused >= 1 and cycle.confirmed == 0 and node.kept
        assert "4.01" in node.output and "swordfish" not in node.output
        server.behaviour.code = Code.CHANGED
        node.run()
        taken = server.received[refused:]
    assert {post.query[0] for post in taken} == {"authorization=swordfish"}
    found = reports([records(post) for post in taken])
    assert sorted(found) == [0, 1]
    assert not node.kept


FINAL = (Code.BAD_REQUEST, Code.BAD_OPTION, Code.NOT_ACCEPTABLE, Code.UNSUPPORTED_CONTENT_FORMAT,
         Code.UNPROCESSABLE_ENTITY)  # fmt: skip
LATER = (Code.FORBIDDEN, Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED, Code.TOO_MANY_REQUESTS,
         Code.INTERNAL_SERVER_ERROR, Code.SERVICE_UNAVAILABLE)  # fmt: skip


@pytest.mark.parametrize("code", FINAL + LATER)
def test_what_a_coap_server_refuses_for_its_content_is_given_up(
    make_node: MakeNode, code: Code
) -> None:
    with CoapServer() as server:
        server.behaviour.code = code
        node = make_node("wifi", "coap")
        node.emulator.routes.patience.rely(0.5)
        connect(node, "wifi", server, "coap")
        cycles = node.run(2)
        given_up = [1, 2] if code in FINAL else [0, 0]
        assert [cycle.given_up for cycle in cycles] == given_up
        assert [cycle.waiting for cycle in cycles] == ([0, 0] if code in FINAL else [1, 2])
        server.behaviour.code = Code.CHANGED
        server.received.clear()
        [cycle] = node.run()
        assert (cycle.waiting, cycle.given_up) == (0, given_up[-1])
        found = reports([records(post) for post in server.received])
    assert sorted(found) == ([2] if code in FINAL else [0, 1, 2])
    assert ("gu" in found[2]) == (code in FINAL)  # the node tells


@pytest.mark.parametrize("bearer", BEARERS)
def test_what_a_broker_does_not_let_in_is_sent_again(make_node: MakeNode, bearer: str) -> None:
    with MqttBroker(user="node", password="swordfish") as broker:
        node = make_node(bearer, "mqtt", _USER="node", _TOKEN="wordfish")
        node.emulator.routes.patience.rely(0.5)
        connect(node, bearer, broker, "mqtt")
        with Subscriber(broker, user=("node", "swordfish")) as subscriber:
            [cycle] = node.run()
            assert cycle.confirmed == 0 and node.kept and not subscriber.received
            assert "refused by the broker" in node.output and "wordfish" not in node.output
            application.configure(node.flash, {"_TOKEN": "swordfish"})
            [cycle] = node.run()
            subscriber.wait_for(cycle.confirmed or 0, 10)
    assert {message.topic for message in subscriber.received} == {"r"}
    assert sorted(reports([records(each) for each in subscriber.received])) == [0, 1]
    assert not node.kept


# What makes no sense

IMPOSSIBLE = {
    "nbiot, mqtt over IPv6": (
        "nbiot", "mqtt", {"_IP_VERSION": "IPV6", "_HOST": "2001:db8::1"},
        ["_PROTOCOL = 'mqtt'", "_IP_VERSION = 'IPV6'", "stream", "datagram"],
    ),
    "wifi, server with IPv6": (
        "wifi", "udp", {"_HOST": "2001:db8::1"}, ["_HOST = '2001:db8::1'", "IPv4"],
    ),
    "wifi, no known network": ("wifi", "udp", {"_WIFI_NETS": {}}, ["known networks"]),
    "lora, mqtt": ("lora", "mqtt", {}, ["_PROTOCOL = 'mqtt'", "stream", "'lora'", "message"]),
    "lora, coap": ("lora", "coap", {}, ["_PROTOCOL = 'coap'", "datagram", "'lora'", "message"]),
    "wifi, no credentials": (
        "wifi", "udp", {"_WIFI_NETS": None}, ["_WIFI_NETS is missing in credentials.py"],
    ),
    "lora, no credentials": (
        "lora", "udp", {"_APP_KEY": None}, ["_APP_KEY is missing in credentials.py"],
    ),
    "lora, key too short": ("lora", "udp", {"_APP_KEY": "2B7E"}, ["_APP_KEY", "32"]),
    "lora, data rate too low": (
        "lora", "udp", {"_LORA_REGION": "US915", "_LORA_DR": 0}, ["_LORA_DR", "US915"],
    ),
    "mqtt, password alone": ("nbiot", "mqtt", {"_TOKEN": "swordfish"}, ["_TOKEN", "_USER"]),
    "mqtt, topic with a wildcard": ("wifi", "mqtt", {"_TOPIC": "a/#"}, ["_TOPIC = 'a/#'"]),
    "coap, password that is none": ("nbiot", "coap", {"_TOKEN": 'sword"fish'}, ["_TOKEN = '***'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_makes_no_sense_is_told_before_a_radio_is_on(make_node: MakeNode, name: str) -> None:
    bearer, protocol, settings, words = IMPOSSIBLE[name]
    node = make_node(bearer, protocol, **settings)
    [cycle] = node.run()
    assert (cycle.cause, cycle.radio_on_ms, cycle.sent) == ("configuration", 0, [])
    [told] = [line for line in node.output.splitlines() if "ERROR" in line]
    assert [word for word in words if word not in told] == []
    assert "fish" not in told
