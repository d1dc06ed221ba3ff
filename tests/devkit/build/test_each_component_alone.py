"""Each component alone on an empty flash, with just what it is said to need: imported and used."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from devkit import application
from devkit.build.components import APPLICATION, CONTRACT, components
from devkit.build.weight import needed_files
from devkit.commands.component import copy
from devkit.sensors.catalogue import entries
from devkit.servers.receiver import Receiver
from emulator.chips.wiring import DEFAULT
from emulator.emulator import Emulator
from emulator.scenario import Scenario, from_table

COMPONENTS = components()
_AT = re.compile(r"^ *\d+\.\d{3} ")  # the seconds in front of a log line

# What a program does with a component, and the last lines that it prints. A sensor needs no entry:
# it is read on the emulated chip of its name.
USES = {
    "nbiot": (
        """
        from networking import nbiot
        class Config:
            _APN = "iot.example"
            _IP_VERSION = "IPV6"
            _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 90
        print(nbiot.connect(Config, dataStateOn=False).status)
        print(nbiot.sendATsocket("hello", "2001:db8::1", 5683))
        print(nbiot.deactivate().deactivation_status)
        """,
        ["1", "5", "True"],
    ),
    "nbiot_uart": (
        """
        import pycom
        pycom.lte_modem_en_on_boot(False)
        from networking import nbiot
        class Config:
            _APN = "iot.example"
            _IP_VERSION = "IPV6"
            _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 90
            _MODEM_LINK = "auto"
        print(nbiot.connect(Config, dataStateOn=False).status, nbiot.metrics()[0])
        print(nbiot.sendATsocket(bytes(1500), "2001:db8::1", 5683))
        print(nbiot.deactivate().deactivation_status)
        """,
        ["1 ('lk', 1, 0, None)", "1500", "True"],
    ),
    "wifi": (
        """
        from networking import wifi
        print(wifi.connect({"field-ap": {"pwd": "for-documentation"}}, 30).connection_status)
        print(wifi.deactivate().deactivation_status)
        """,
        ["True", "True"],
    ),
    "lora": (
        """
        from networking import lora
        class Config:
            _APP_EUI = "70B3D57ED0000001"
            _APP_KEY = "2B7E151628AED2A6ABF7158809CF4F3C"
            _LORA_REGION = "EU868"
            _MAX_CONNECTION_ATTEMPT_TIME_SEC = 60
        print(lora.join(Config, lora.set_keys(Config)).status)
        print(lora.send(Config, b"hello").status)
        print(lora.down())
        """,
        ["1", "1", "True"],
    ),
    "si7021": (
        """
        from sensors import si7021
        temperature, humidity = si7021.get_reading("P9", "P10", vcc_pin="P11")
        print(10 < temperature < 40, 20 < humidity < 80, si7021.last_cause)
        print(si7021.get_reading("P21", "P22")[0], si7021.last_cause)
        """,
        ["True True None", "None absent"],
    ),
    "analog_generic": (
        """
        from sensors import analog_generic
        print(3300 < analog_generic.get_reading("P16", divider=2) < 4300)
        """,
        ["True"],
    ),
    "sensors": (
        """
        import sensors
        print(sensors.check(()), sensors.measure(()))
        print(sensors.check((("si7021", {}),)))
        """,
        ["[] []", "[\"sensor 1: module = 'si7021'; allowed: none installed\"]"],
    ),
    "senml": (
        """
        from protocols import senml
        import ubinascii
        for data in senml.pack("a:", [("t", 2423, -2, "Cel")], 62, seq=3):
            print(ubinascii.hexlify(data).decode())
        """,
        # [{-2: "a:", 0: "seq", 2: 3}, {0: "t", 1: "Cel", 2: 4([-2, 2423])}] (RFC 8428, 6)
        ["82a32162613a00637365710203a3006174016343656c02c48221190977"],
    ),
    "udp_client": (
        """
        from protocols.udp_client import udp_send
        print(udp_send("192.0.2.1", 5683, "no link"))
        """,
        ["0"],
    ),
    "udp": (
        """
        from protocols import udp
        class Link:
            def sendto(self, payload, address):
                return len(payload)
        print(udp.deliver(Link(), b"hello", "192.0.2.1", 5683))
        """,
        ["unknown"],
    ),
    "coap": (
        """
        from protocols import coap
        class Link:
            def sendto(self, message, address):
                print(len(message))
                return len(message)
        print(coap.deliver(Link(), b"hello", "192.0.2.1", confirmable=False))
        print(coap.code_text(0x45))
        """,
        # header, token, Uri-Path "r", Content-Format 112, payload marker (RFC 7252, 3)
        ["18", "unknown", "2.05"],
    ),
    "coap_answer": (
        """
        from protocols import _coap_answer
        class Session:
            pass
        session = Session()
        _coap_answer.note(session, b"\\xa2\\x01\\x07\\x02\\x82\\x05\\x48offer is", 2600)
        print(session.server_time, session.server_time_error_s, session.offer)
        """,
        ["8 2 (5, b'offer is')"],
    ),
    "coap_blocks": (
        """
        from protocols import coap_blocks
        class Client:
            block_size = 16
            def exchange(self, code, options, payload):
                print(len(payload))
                self.code = 0x5F if len(payload) == 16 else 0x44
                self.options = options
                return self
        print(coap_blocks.send(Client(), 2, [], bytes(40)).code)
        """,
        ["16", "16", "8", "68"],
    ),
    "coap_fetch": (
        """
        from protocols import coap, coap_fetch
        class Link:
            def sendto(self, message, address):
                print(len(message))
                return 0
        print(coap_fetch.block(coap.Client(Link(), "192.0.2.1"), "u/rE4XwvGb", 3, 1024))
        """,
        # header, token, Uri-Path "u" and the address, Block2 (RFC 7252, 3; RFC 7959, 2.2)
        ["21", "None"],
    ),
    "coap_client": (
        """
        from protocols.coap_client import CoAPClient, CoAPConfig
        config = CoAPConfig()
        config.server_ip = "192.0.2.1"
        config.message_channel_id = config.thing_id = config.thing_token = "1"
        class Link:
            def sendto(self, message, address):
                return len(message)
        config.custom_socket, config.use_custom_socket = Link(), True
        client = CoAPClient(config)
        print(client.start(), client.postMessage("hello"), client.outcome, client.stop())
        """,
        ["True 1 unknown True"],
    ),
    "mqtt": (
        """
        from network import LTE
        from protocols import mqtt
        import usocket
        class Config:
            _HOST = "192.0.2.1"
            _PORT = 1883
        LTE(carrier=None)
        session = mqtt.open(usocket.socket(), Config)
        print(session.deliver(b"hello"))     # not attached: refused
        session.close()
        """,
        ["refused"],
    ),
    "mqtt_client": (
        """
        from protocols.mqtt_client import MQTTClientCustom, MQTTConfig
        config = MQTTConfig()
        config.server_ip = "192.0.2.1"
        config.message_channel_id = config.thing_id = config.thing_token = "1"
        client = MQTTClientCustom(config)
        print(client.connect(), client.sendMessage("hello"), client.disconnect())
        """,
        ["False False True"],
    ),
    "microATsocket": (
        """
        import microATsocket as socket
        from network import LTE
        lte = LTE(carrier=None)
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setModemInstance(lte)
        print(sock.sendto(b"hello", ("2001:db8::1", 5683)))     # not attached: refused
        sock.close()
        """,
        ["-1"],
    ),
    "microcoapy": (
        """
        import microcoapy
        client = microcoapy.Coap()
        print(client.poll(100), microcoapy.COAP_CONTENT_FORMAT.COAP_APPLICATION_JSON)
        """,
        ["False 50"],
    ),
    "dns_query": (
        """
        import dns_query
        class Silent:
            def sendto(self, data, address):
                print(len(data), address)
            def recvfrom(self, size):
                return None, None
        print(dns_query.dns_resolve(Silent(), "a.example", "192.0.2.53", False))
        """,
        ["27 ('192.0.2.53', 53)", "27 ('192.0.2.53', 53)", "[]"],
    ),
    "microATreceive": (
        """
        import microATreceive
        class Closed:
            peer = None
        print(microATreceive.recvfrom(Closed(), 100))
        """,
        ["(None, None)"],
    ),
    "address": (
        """
        from utils import address
        print(address.family("2001:db8::1"), address.family("192.0.2.1"), address.family("a.b"))
        """,
        ["10 2 None"],
    ),
    "at": (
        """
        from network import LTE
        from utils import at
        print(at.exchange(LTE(), "AT+CFUN?").lines)
        """,
        ["['+CFUN: 4']"],
    ),
    "boot_fields": (
        """
        from utils import boot_fields
        print(boot_fields.FIELDS[0])
        """,
        ["('_WATCHDOG_S', 'integer', (20, 600), 90)"],
    ),
    "fields": (
        """
        from utils import fields
        class Config:
            _PERIODS = 60
        print(fields.unknown(Config, fields.NAMES.split()))
        """,
        ["['_PERIODS is no field; the nearest one: _PERIOD_S']"],
    ),
    "names": (
        """
        from utils import names
        print(names.is_name("field-7"), names.is_name("-7"), names.is_name("a b"))
        """,
        ["True False False"],
    ),
    "pins": (
        """
        from utils import pins
        print(pins.owner("P12"), pins.owner("P5"), pins.owner("P9"), sep="; ")
        """,
        ["safe boot; the LoRa radio; None"],
    ),
    "cbor": (
        """
        from utils import cbor
        print(cbor.array([cbor.integer(24), cbor.text("t")]))
        """,
        ["b'\\x82\\x18\\x18at'"],
    ),
    "configuration": (
        """
        from utils import configuration
        class Config:
            _PORT = 0
        print(configuration.problems(Config, (("_PORT", "integer", (1, 65535)),))[1])
        """,
        ["['_PORT = 0; allowed: an integer 1 to 65535']"],
    ),
    "endpoint": (
        """
        from utils import endpoint
        print(endpoint.resolve(None, "2001:db8::1", 5683), endpoint.same("::1", "0:0:0:0:0:0:0:1"))
        """,
        ["('2001:db8::1', 5683) True"],
    ),
    "logging": (
        """
        from utils import logging
        logging.Logger("field").info("%d sheep", 7)
        """,
        ["INFO field: 7 sheep"],
    ),
    "microseconds": (
        """
        from utils.microseconds import sleep_us
        import utime
        begin = utime.ticks_cpu()
        sleep_us(500)
        print(500 <= utime.ticks_diff(utime.ticks_cpu(), begin) < 600)
        """,
        ["True"],
    ),
    "adc": (
        """
        from machine import ADC
        from utils import adc
        voltage_mv, cause = adc.mean(ADC(0).channel(pin="P16", attn=adc.ATTN_11DB), divider=2)
        print(3300 < voltage_mv < 4300, cause)
        """,
        ["True None"],
    ),
    "device_info": (
        """
        from utils import device_info
        print(device_info.get_device_fw()[0], device_info.get_reset_cause())
        """,
        ["1.20.2.r4 0"],
    ),
    "gpio_handler": (
        """
        from utils import gpio_handler
        print(3300 < gpio_handler.get_vin() < 4300)
        """,
        ["True"],
    ),
    "plugins": (
        """
        from utils import plugins
        print(plugins.find("utils", "plugins", ("find",)).__name__)
        """,
        ["utils.plugins"],
    ),
    "store": (
        """
        from utils import store
        store.keep_part("own", b"one")
        print(store.next_sequence(), store.next_sequence(), store.part("own"))
        """,
        ["0 1 b'one'"],
    ),
    "journal": (
        """
        from utils import journal
        queue = journal.Journal("/flash/journal", 4096, "flash", "oldest")
        queue.add(7, 900, 1, [("t", 2423, -2, "Cel")])
        print([entry.records for entry in queue.entries("oldest")])
        """,
        ["[[('t', 2423, -2, 'Cel')]]"],
    ),
    "cbor_read": (
        """
        from utils import cbor_read
        print(cbor_read.item(bytes((0x82, 1, 0x20))))
        """,
        ["([1, -1], 3)"],
    ),
    "checksum": (
        """
        from utils import checksum
        print(checksum.of(b"abc"))
        """,
        [r"b'\xbax\x16\xbf'"],
    ),
    "clock": (
        """
        from utils import clock
        print(clock.epoch() > 0, clock.believe(1772366400, "server"), clock.sleep_ms(900000))
        """,
        ["True True 900000"],
    ),
    "backoff": (
        """
        from utils import backoff
        state = backoff.Backoff("", 0, (10, 96), 7, lambda most: most // 2)
        state.begin(0)
        state.failed(0, "no_cell")
        print(state.wait_s(0) > 400)
        """,
        ["True"],
    ),
    "batch": (
        """
        from utils import batch
        print(batch.Batch(24).due)
        """,
        ["True"],
    ),
    "checked": (
        """
        from utils import checked
        checked.remember(b"0123456789abcdef")
        print(checked.recall(b"0123456789abcdef"), checked.recall(b"0123456789abcdef"))
        """,
        ["True False"],
    ),
    "last_phases": (
        """
        from utils import last_phases
        print(last_phases.records({"phases": [["send", 5, 7]], "link": "send"}, False))
        """,
        ["[('se', 7, 0, None)]"],
    ),
    "node_fields": (
        """
        from utils import node_fields
        print(len(node_fields.FIELDS) > 9)
        """,
        ["True"],
    ),
    "attempts": (
        """
        from utils import attempts
        class Config:
            _HOST = "192.0.2.1"
        class Time:
            start_s = 0
            def now_s(self):
                return 0
        settings = {"_MAX_ATTACHES_PER_HOUR": 10, "_MAX_ATTACHES_PER_DAY": 96}
        mine = attempts.Attempts(Time(), Config, settings)
        print(mine.may_begin())
        """,
        ["True"],
    ),
    "manners": (
        """
        from utils import manners
        settings = {"_PERIOD_S": 900, "_MAX_ATTACHES_PER_HOUR": 10, "_MAX_ATTACHES_PER_DAY": 96}
        print(manners.Manners(None, settings).reason)
        """,
        ["none"],
    ),
    "microATearly": (
        """
        import microATearly
        print(microATearly.has_command(b"AT+CFUN=0"), microATearly.has_command(b"hello"))
        """,
        ["True False"],
    ),
    "arguments": (
        """
        from utils import arguments
        print(arguments.is_integer(5, 1, 5), arguments.is_plain('a"b'))
        """,
        ["True False"],
    ),
    "ledger": (
        """
        from utils import ledger
        print(ledger.note(None, 5, 4000, (), 0))
        """,
        ["([5, 4000, 0, 0, 0], False)"],
    ),
    "place": (
        """
        from utils import place
        print(0 <= place.offset_ms(b"123456", 900) < 900000)
        """,
        ["True"],
    ),
    "senml_batch": (
        """
        from protocols import senml_batch
        group = senml_batch.Group(17, -900, [("t", 2423, -2, "Cel")], [], None)
        print([len(pack.payload) for pack in senml_batch.packs("a:", [group], 124)])
        """,
        ["[28]"],
    ),
    "senml_report": (
        """
        from protocols import senml_report
        print(len(senml_report.board_name()))
        """,
        ["8"],
    ),
    "drain": (
        """
        from protocols import drain
        drained = drain.Drain(None, None, lambda groups, unfit: [], [])
        drained.run([], 1000)
        print(drained.delivered, drained.outcome)
        """,
        ["0 None"],
    ),
    "at_due": (
        """
        from network import LTE
        from utils import at
        lte = LTE()
        at.exchange(lte, "AT+CFUN=1", 12000)
        print(at.exchange(lte, "AT+COPS=?", 1000).final)
        print(at.exchange(lte, "AT+CSQ", 200000).ok)
        """,
        ["None", "True"],
    ),
    "trail": (
        """
        from utils import trail
        crumbs = trail.Trail()
        crumbs.mark("connect")
        print(trail.Trail().where, crumbs.good_cycle(900, None), trail.Trail().where)
        """,
        ["connect 0 None"],
    ),
    "timing": (
        """
        from utils import timing
        watch = timing.Stopwatch()
        timing.sleep_ms(1500)
        print(1500 <= watch.elapsed_ms() < 1600)
        """,
        ["True"],
    ),
}


SENSORS = entries()
# A bearer or a protocol without an entry answers what its contract asks without hardware
for bearer in application.bearers():
    program = f"""
        from networking import {bearer}
        class Config:
            pass
        print(isinstance({bearer}.problems(Config), list), {bearer}.boot_options(Config))
        print({bearer}.last_outcome().cause)
        """
    USES.setdefault(bearer, (program, ["True {}", "never_tried"]))
for protocol in application.protocols():
    program = f"""
        from protocols import {protocol}
        class Config:
            pass
        print(isinstance({protocol}.problems(Config), list), {protocol}.NEEDS)
        """
    USES.setdefault(protocol, (program, [f"True {application.transport(protocol)}"]))


def outcome_of(
    program: str, flash: Path, vm: str, scenario: str | Scenario = "good", board: str = "FiPy"
) -> list[str]:
    """What it prints on a board with this flash, without times, warnings and what nbiot tells."""
    (flash / "program.py").write_text(textwrap.dedent(program), encoding="utf-8")
    said: list[str] = []
    # a FiPy has every radio
    options: dict[str, Any] = {"name": board, "console": said.append, "max_hours": 1}
    with Emulator(flash=flash, vm=vm, scenario=scenario, **options) as emulator:
        [cycle] = emulator.run(["program.py"])
    assert cycle.error is None, cycle.error
    lines = [_AT.sub("", line) for line in "".join(said).splitlines()]
    return [line for line in lines if not line.startswith(("WARNING", "INFO nbiot"))]


@pytest.fixture
def flash(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    component = COMPONENTS[request.param]
    copy({path: file.read_bytes() for path, file in needed_files(component).items()}, tmp_path)
    return tmp_path


def test_every_component_has_its_use_here() -> None:
    assert set(USES) | set(SENSORS) | {APPLICATION} == {
        name for name, one in COMPONENTS.items() if one.kind != CONTRACT or name in USES
    }


@pytest.mark.parametrize(("flash", "name"), [(name, name) for name in SENSORS], indirect=["flash"])
def test_sensor_works_on_its_chip_with_just_what_it_needs(flash: Path, name: str) -> None:
    entry = SENSORS[name]
    chips = {default: {"kind": "none"} for default in DEFAULT}
    chips[entry.kind] = {"kind": entry.kind, **entry.wiring}
    program = (
        f"from sensors import {name}\nprint({name}.get_reading(**{entry.arguments!r}))\n"
        f"print({name}.last_cause)\n"
    )
    # a GPy has more pins for sensors
    *_, reading, cause = outcome_of(program, flash, "cpython", from_table({"chips": chips}), "GPy")
    assert "None" not in reading
    assert cause == "None"


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    ("flash", "name"), [(name, name) for name in USES], indirect=["flash"], ids=list(USES)
)
def test_component_works_with_just_what_it_needs(flash: Path, name: str, runtime: str) -> None:
    program, printed = USES[name]
    assert outcome_of(program, flash, runtime)[-len(printed) :] == printed


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    ("flash", "name"),
    [(name, name) for name, one in COMPONENTS.items() if one.kind == CONTRACT],
    indirect=["flash"],
)
def test_contract_can_be_imported_alone(flash: Path, name: str, runtime: str) -> None:
    (flash / "program.py").write_text(f"import {name}\n", encoding="utf-8")
    with Emulator(flash=flash, vm=runtime, max_hours=1) as emulator:
        [cycle] = emulator.run(["program.py"])
    assert cycle.error is None, cycle.error


@pytest.mark.both_runtimes
@pytest.mark.parametrize("flash", [APPLICATION], indirect=True)
def test_application_reports_with_just_what_it_needs(flash: Path, runtime: str) -> None:
    said: list[str] = []
    with Receiver("coap") as server:
        routes = [server.route("192.0.2.1", 5683)]
        with Emulator(flash=flash, vm=runtime, console=said.append, routes=routes) as emulator:
            server.attend(emulator)
            [cycle] = emulator.run()
    assert (cycle.error, cycle.ended, cycle.cause) == (None, "deepsleep", "attached")
    assert cycle.confirmed == 1, "".join(said)
