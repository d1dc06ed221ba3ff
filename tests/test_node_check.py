"""The check of a whole configuration: each mistake is refused before the radio, and named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from devkit import application, configuration
from devkit.application import REFERENCE
from devkit.docs import configuration as declarations
from emulator.device_files import configured
from tests.device import Device

pytestmark = pytest.mark.both_runtimes

# reports/07: a platform's path and key
PATH = "channels/5f0c9a52-27d1-4c40-9d4c-4d6d6d3f8a10/messages"
KEY = "c7b9b8a6-0a55-41f5-9f1e-1d0b8f2c11aa"
LORA = {"_BEARER": "lora"}
BATTERY = ("analog_generic", {"data_pin": "P16"})


def i2c(**more: Any) -> tuple[Any, ...]:
    return (("si7021", {"sda_pin": "P9", "scl_pin": "P10", **more}),)


# What is changed in the published configuration, and what has to be said
WRONG: list[tuple[dict[str, Any], str | tuple[str, ...]]] = [
    *[({"_WATCHDOG_S": value}, f"_WATCHDOG_S = {value!r}; allowed: an integer 20 to 600")
      for value in (0, -1, "60", 1, 60000, 10**9, True, None, 60.0)],
    *[({"_BATTERY_SLEEP_S": value}, f"_BATTERY_SLEEP_S = {value!r}; allowed: an integer 10 to")
      for value in (0, -5, 21600.0)],
    *[({"_BATTERY_MIN_MV": value}, f"_BATTERY_MIN_MV = {value!r}; allowed: an integer 500 to")
      for value in (3.3, "3300", 330000)],
    ({"_BATTERY_PIN": "P9"}, "_BATTERY_PIN = 'P9'; allowed: 'P13', 'P14'"),
    ({"_BATTERY_DIVIDER": 0}, "_BATTERY_DIVIDER = 0; allowed: a number 1 to 1000"),
    ({"_DEVICE_NAME": "a b"}, "_DEVICE_NAME = 'a b'; allowed: 1 to 20 letters, digits"),
    ({"_DEVICE_NAME": "-a"}, "_DEVICE_NAME = '-a'; allowed: 1 to 20 letters, digits"),
    ({"_DEVICE_NAME": "\u00e4"}, "; allowed: 1 to 20 letters, digits"),
    *[({"_HOST": host}, f"_HOST = {host!r}; allowed: an IP address or a name")
      for host in ("coap://192.0.2.1", "192.0.2.1:5683", "192.0.2.256", "192.0.2.1 ", "192.0.2",
                   "[2001:db8::1]", "2001:db8:::1", "example..org", "-a.example", "a_b.example",
                   "example.org/r", "192.0.2.01")],
    ({"_IP_VERSION": "IP", "_HOST": "2001:db8::1"}, "_HOST = '2001:db8::1'"),
    ({"_IP_VERSION": "IPV6", "_HOST": "192.0.2.1"}, "_HOST = '192.0.2.1'"),
    ({"_BEARER": "wifi", "_HOST": "2001:db8::1"}, "_HOST = '2001:db8::1', _BEARER = 'wifi'; all"),
    ({"_PROTOCOL": "mqtt", "_IP_VERSION": "IPV4V6", "_HOST": "2001:db8::1"},
     "_PROTOCOL = 'mqtt', _BEARER = 'nbiot', _IP_VERSION = 'IPV4V6', _HOST = '2001:db8::1': the"
     " protocol needs a stream; allowed: one that needs a message or a datagram"),
    ({"_PROTOCOL": "coap", **LORA}, "_PROTOCOL = 'coap', _BEARER = 'lora': the protocol needs a"),
    ({"_PROTOCOL": "udp", "_UPDATE_BYTES_PER_CYCLE": 8192},
     "_UPDATE_BYTES_PER_CYCLE = 8192, _PROTOCOL = 'udp': no release can come; allowed: 0, or a"),
    ({**LORA, "_UPDATE_BYTES_PER_CYCLE": 1}, "_UPDATE_BYTES_PER_CYCLE = 1"),
    ({"_PROTOCOL": "coap", "_COAP_CONFIRMABLE": False, "_UPDATE_BYTES_PER_CYCLE": 1},
     "_UPDATE_BYTES_PER_CYCLE = 1, _PROTOCOL = 'coap', _COAP_CONFIRMABLE = False: no release can"),
    ({"_UPDATE_BYTES_PER_CYCLE": 65537}, "_UPDATE_BYTES_PER_CYCLE = 65537; allowed: an integer"),
    ({"_CID": 6}, "_CID = 6: the protocol needs a message; allowed: one that needs a stream"),
    ({"_BEARER": "nbiott"}, "_BEARER = 'nbiott'; allowed: lora, nbiot, wifi"),
    ({"_PROTOCOL": "http"}, "_PROTOCOL = 'http'; allowed: auto, coap, mqtt, udp"),
    ({"_PROTOCOL": "coap", "_TOPIC": PATH, "_TOKEN": KEY},
     f"_TOPIC = '{PATH}', _TOKEN = '***': 3 of 124 bytes are left for a report; allowed: "),
    ({"_PROTOCOL": "mqtt", "_PORT": 1883, "_TOPIC": "t" * 110}, "': 7 of 124 bytes are left for"),
    ({"_COAP_BLOCK_SIZE": 32, "_PROTOCOL": "coap"}, "_COAP_BLOCK_SIZE = 32: 32 of 124 bytes are "),
    ({**LORA, "_LORA_DR": 0, "_DEVICE_NAME": "a-node-of-20-letters",
      "_SENSORS": i2c(name="a-sensor-of-20-chars")},
     "_DEVICE_NAME = 'a-node-of-20-letters', _LORA_REGION = 'EU868', _LORA_DR = 0: 51 of 51 "),
    ({"_PROTOCOL": "mqtt", "_PORT": 1883, "_WATCHDOG_S": 30, "_MQTT_TIMEOUT_SEC": 40},
     "_WATCHDOG_S = 30, _MQTT_TIMEOUT_SEC = 40: a wait of 40 s feeds no watchdog; allowed: a"),
    ({"_PROTOCOL": "mqtt", "_PORT": 1883, "_WATCHDOG_S": 20}, "_WATCHDOG_S = 20: a wait of 20 s"),
    *[({"_SENSORS": i2c(vcc_pin=pin)}, f"_SENSORS, sensor 1 (si7021): vcc_pin = '{pin}'; allowed")
      for pin in ("P0", "P1", "P2", "P12", "P5", "P7", "P16")],
    ({"_SENSORS": (("si7021", {"sda_pin": "P5", "scl_pin": "P7"}),)},
     ("P5 is that of the modem", "P7 is that of the modem")),
    ({**LORA, "_SENSORS": i2c(vcc_pin="P6")}, "P6 is that of the LoRa radio"),
    ({**LORA, "_SENSORS": (("gl55", {"data_pin": "P18"}),)}, "P18 is that of the modem"),
    ({"_BATTERY_PIN": "P20", "_SENSORS": i2c(vcc_pin="P20")},
     "_SENSORS, sensor 1 (si7021): vcc_pin = 'P20' is that of _BATTERY_PIN; allowed: another pin"),
    ({"_SENSORS": (("dht", {"data_pin": "P3", "dht_model": "DHT22"}),
                   ("ds18x20", {"data_pin": "P3"}))}, "sensor 2 (ds18x20): data_pin = 'P3' is"),
    ({"_PROTOCOL": "mqtt", "_USER": 5, "_TOKEN": 'sw"ordfish'},
     ("_USER = '***'; allowed: 1 to", "_TOKEN = '***'; allowed: 1 to")),
    ({"_BEARER": "wifi", "_WIFI_NETS": {"field": {"pwd": "short"}}},
     "_WIFI_NETS: field: pwd; allowed: str of 8 to 63 characters"),
    ({"_BEARER": "wifi", "_WIFI_NETS": {"field": {"password": "swordfish"}}},
     "_WIFI_NETS: field: unknown key 'password'; allowed: pwd, user, identity"),
    ({**LORA, "_APP_KEYs": ["2B7E15"]}, "_APP_KEYs without _DEV_EUIs; allowed: both, or _APP"),
    ({**LORA, "_APP_KEY": "2B7E15"}, "_APP_KEY = a text of 6 characters; allowed: 32"),
]  # fmt: skip

RIGHT: list[dict[str, Any]] = [
    {},
    LORA,
    {"_BEARER": "wifi", "_PROTOCOL": "coap", "_HOST": "collector.example-1.org"},
    {"_PROTOCOL": "mqtt", "_PORT": 1883, "_TOPIC": "channels/1/messages"},
    {"_PROTOCOL": "coap", "_TOKEN": "c7b9b8a6-0a55-41f5"},
    {"_IP_VERSION": "IPV6", "_HOST": "2001:db8::192.0.2.1"},
    {"_BATTERY_PIN": None, "_BATTERY_DIVIDER": 1.5, "_WATCHDOG_S": 600},
    {"_SENSORS": (("gl55", {"data_pin": "P20"}), ("analog_generic", {"data_pin": "P16"}))},
    {"_SENSORS": ()},
]
ADVICE: list[tuple[dict[str, Any], str]] = [
    (
        {**LORA, "_LORA_DR": 0, "_SENSORS": (*i2c(name="a-sensor-of-20-chars"), BATTERY)},
        "_LORA_REGION = 'EU868', _LORA_DR = 0: 51 of 51 bytes are left for a report; allowed: ",
    ),
    ({"_PERIODS": 60}, "_PERIODS is no field; the nearest one: _PERIOD_S"),
    ({"_JOURNAL_BYTE": 5000}, "_JOURNAL_BYTE is no field; the nearest one: _JOURNAL_BYTES"),
    ({"_BACKLOG_BYTES": 4096}, "_BACKLOG_BYTES is now _JOURNAL_BYTES; allowed: 1024 to 65536"),
    ({"_BACKLOG_PER_CYCLE": 4}, "_BACKLOG_PER_CYCLE is now _DRAIN_S; allowed: 0 to 600 s"),
    ({"_BANDS": [20]}, "_BANDS is no field; the nearest one: _BAND"),
    ({"_WATCHDOG_S": 60}, "_WATCHDOG_S = 60, _BEARER = 'nbiot': a wait of up to 65 s feeds no"),
    ({"_PERIOD_S": 60}, "_PERIOD_S = 60, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 90: an attempt takes"),
    (
        {**LORA, "_PERIOD_S": 60},
        "_MAX_CONNECTION_ATTEMPT_TIME_SEC = 60: an attempt takes up to ",
    ),
]

# The protocol that goes with _PROTOCOL = "auto" and these changes; without the field it is "udp"
AUTOMATIC: list[tuple[dict[str, Any], str]] = [
    ({"_BEARER": "nbiot"}, "coap"),
    ({"_BEARER": "nbiot", "_IP_VERSION": "IPV6"}, "coap"),
    ({"_BEARER": "nbiot", "_IP_VERSION": 7}, "coap"),  # also beside a mistake
    ({"_BEARER": "wifi"}, "coap"),
    ({"_BEARER": "lora"}, "udp"),
    ({"_BEARER": "nbiot", "_PROTOCOL": "udp"}, "udp"),
    ({"_BEARER": "wifi", "_PROTOCOL": "mqtt"}, "mqtt"),
    ({"_BEARER": "wifi", "_PROTOCOL": None}, "udp"),
]

PROGRAM = """
import node_check
base, changed = given()
for changes in changed:
    config = Settings()
    for values in (base, changes):
        for name in values:
            setattr(config, name, values[name])
    if config._PROTOCOL is None:
        del config._PROTOCOL
    found = node_check.Examined(config)
    name = found.protocol and found.protocol.__name__
    show((found.problems, found.misspelt() + found.advice(), name))
"""


@pytest.fixture(scope="module")
def fields() -> dict[str, Any]:
    with configured(REFERENCE):
        return configuration.fields()


@pytest.fixture
def examined(make_device: Callable[..., Device], fields: dict[str, Any]) -> Any:
    """(problems, advice, protocol) for each of these changes, on the board of the bearer."""

    def examine(changes: list[dict[str, Any]]) -> list[tuple[list[str], list[str], str]]:
        found: dict[int, tuple[list[str], list[str], str]] = {}
        for name in ("GPy", "FiPy"):
            chosen = [n for n, each in enumerate(changes) if (each.items() >= LORA.items())
                      == (name == "FiPy")]  # fmt: skip
            if chosen:
                device = make_device(name=name)
                given = [fields, [changes[n] for n in chosen]]
                found.update(zip(chosen, map(list, device.run(PROGRAM, given)), strict=True))
        return [found[n] for n in range(len(changes))]

    return examine


def test_each_mistake_is_named_and_nothing_else(examined: Any) -> None:
    found = examined([changes for changes, _ in WRONG])
    for (changes, said), (problems, *_) in zip(WRONG, found, strict=True):
        expected = (said,) if isinstance(said, str) else said
        assert len(problems) == len(expected), (changes, problems)
        for part, text in zip(expected, problems, strict=True):
            assert part in text and "allowed: " in text, (changes, problems)
            assert not any(secret in text for secret in ("short", KEY, "2B7E", "ordfish"))


def test_what_is_right_is_accepted(examined: Any) -> None:
    assert [each[:2] for each in examined(RIGHT)] == [[[], []]] * len(RIGHT)


def test_a_probable_mistake_is_told_and_costs_no_report(examined: Any) -> None:
    found = examined([changes for changes, _ in ADVICE])
    for (_, said), (problems, advice, _) in zip(ADVICE, found, strict=True):
        assert problems == [] and len(advice) == 1 and said in advice[0]


def test_the_bearer_chooses_a_protocol_that_confirms_if_it_carries_one(examined: Any) -> None:
    found = examined([changes for changes, _ in AUTOMATIC])
    for (changes, name), (*_, protocol) in zip(AUTOMATIC, found, strict=True):
        assert protocol == "protocols." + name, changes
        if "_PROTOCOL" not in changes:  # and the workbench agrees
            assert application.resolved(changes["_BEARER"], application.AUTO) == name


@pytest.mark.cpython("it reads the sources")
def test_every_field_that_a_device_file_reads_is_declared() -> None:
    assert declarations.undeclared() == {}
    assert declarations.FIELDS_FILE.read_text(encoding="utf-8") == declarations.names_file()
