"""MQTT to real brokers: what a node says was delivered is what a subscriber got."""

from __future__ import annotations

import pytest

from devkit.servers import debian
from devkit.servers.mqtt import MqttBroker, Subscriber
from emulator.device_files import ROOT
from tests.mqtt_peers import published
from tests.protocols.mqtt_board import NAME, deliver, route

REPORT = bytes(range(90))


@pytest.fixture
def broker(request):
    name = getattr(request, "param", None)
    if name == "mosquitto" and debian.program("mosquitto", "mosquitto") is None:
        pytest.skip(f"no mosquitto: {debian.why_not('mosquitto')}")
    with MqttBroker(name=name) as broker:
        yield broker


@pytest.mark.both_runtimes
def test_reports_arrive_once_each_and_are_acknowledged(make_device, broker):
    payloads = (REPORT, b"", bytes(300))
    with Subscriber(broker) as subscriber:
        device, outcomes, _ = deliver(make_device, broker.port, *payloads, _TOPIC="field/7")
        assert [outcome for outcome, _ in outcomes] == ["delivered"] * 3
        assert published(subscriber, 3) == [("field/7", payload, 1) for payload in payloads]
    assert not [line for line in device.log if "mqtt" in line]


def test_a_name_is_looked_up_and_amqtt_understands_it_too(make_device):
    with MqttBroker(name="amqtt") as broker, Subscriber(broker) as subscriber:
        _, outcomes, _ = deliver(make_device, broker.port, REPORT, _HOST=NAME)
        assert outcomes[0][0] == "delivered"
        assert published(subscriber, 1) == [("r", REPORT, 1)]


def test_a_name_that_nobody_knows_is_refused(make_device, broker):
    device, outcomes, _ = deliver(make_device, broker.port, b"x", _HOST="nowhere.example")
    assert outcomes[0][0] == "refused"
    assert any("not connected" in line for line in device.log)


def test_wrong_credentials_are_refused_and_right_ones_deliver(make_device):
    user = {"_USER": "thing", "_TOKEN": "s3cret"}
    with MqttBroker(user="thing", password="s3cret") as broker:
        with Subscriber(broker, user=("thing", "s3cret")) as subscriber:
            device, outcomes, _ = deliver(
                make_device, broker.port, b"x", **{**user, "_TOKEN": "y"}
            )
            assert outcomes[0][0] == "refused"
            assert any("refused by the broker: code 5" in line for line in device.log)
            assert not any("thing" in line or "s3cret" in line for line in device.log)
            _, outcomes, _ = deliver(make_device, broker.port, b"x", **user)
            assert outcomes[0][0] == "delivered"
            assert published(subscriber, 1) == [("r", b"x", 1)]


def test_each_packet_takes_one_turn_on_the_air(make_device, broker):
    """CONNECT and PUBLISH are one write each, so that Nagle's algorithm does not hold back."""
    device, outcomes, _ = deliver(make_device, broker.port, REPORT)
    assert outcomes[0][0] == "delivered"
    left = [line.split()[2] for line in device.traced("net") if line.startswith("left ")]
    assert left == ["26", "97", "2"]  # CONNECT with a client id of 12, PUBLISH, DISCONNECT


def test_the_example_delivers(make_device, broker):
    device = make_device("good", routes=route(broker.port))
    device.put("example.py", (ROOT / "examples/mqtt_simple.py").read_text(encoding="utf-8"))
    with Subscriber(broker) as subscriber:
        [cycle] = device.start(["example.py"])
        assert cycle.error is None
        assert published(subscriber, 1) == [("greetings", b"hello", 1)]
    assert "delivered" in device.log


# Configuration

PROBLEMS = """
from protocols import mqtt
from support import Settings
for fields in given():
    settings = Settings()
    for name, value in fields.items():
        setattr(settings, name, value)
    found = mqtt.problems(settings)
    show(found)
    show(raised(mqtt.open, None, settings) if found else mqtt.overhead(settings))
"""
BAD = [
    ({"_TOPIC": ""}, "_TOPIC"),
    ({"_TOPIC": "a/#"}, "_TOPIC"),
    ({"_TOPIC": "a/+/b"}, "_TOPIC"),
    ({"_TOPIC": "x" * 121}, "_TOPIC"),
    ({"_TOPIC": 7}, "_TOPIC"),
    ({"_TOKEN": "secret"}, "_USER"),
    ({"_USER": ""}, "_USER"),
    ({"_MQTT_CLIENT_ID": ""}, "_MQTT_CLIENT_ID"),
    ({"_MQTT_TIMEOUT_SEC": 0}, "_MQTT_TIMEOUT_SEC"),
    ({"_MQTT_TIMEOUT_SEC": 121}, "_MQTT_TIMEOUT_SEC"),
]


def test_configuration_is_checked_before_anything_is_sent(make_device):
    good = [{}, {"_USER": "u"}, {"_USER": "u", "_TOKEN": "t", "_TOPIC": "a/b"}]
    shown = make_device().run(PROBLEMS, [fields for fields, _ in BAD] + good)
    assert shown[len(BAD) * 2 :] == [[], 8, [], 8, [], 10]
    for (fields, name), (problem,), error in zip(BAD, shown[::2], shown[1::2], strict=False):
        assert name in problem and "allowed: " in problem, fields
        assert error == ["ValueError", problem]


# The objects of the parent API

CLIENT = """
from networking import nbiot
from protocols.mqtt_client import MQTTClientCustom, MQTTConfig
from utils import timing
import usocket

fields, custom = given()
nbiot.connect(configured(_IP_VERSION="IP"), True)
config = MQTTConfig()
for name, value in fields.items():
    setattr(config, name, value)
if custom:
    config.use_custom_socket = True
    config.custom_socket = usocket.socket()
client = MQTTClientCustom(config)
watch = timing.Stopwatch()
show([client.sendMessage("early"), client.disconnect()])
show(client.connect())
show(watch.elapsed_ms())
show([client.sendMessage("text"), client.sendMessage(b"raw", "else/where")])
show([client.disconnect(), client.sendMessage("late")])
"""
CHANNEL = {
    "server_ip": "192.0.2.1",
    "message_channel_id": "12",
    "thing_id": "thing",
    "thing_token": "s3cret",
}


@pytest.mark.parametrize("custom", [False, True])
def test_client_publishes_on_the_channel_of_its_thing(make_device, custom):
    with MqttBroker(user="thing", password="s3cret") as broker:
        with Subscriber(broker, user=("thing", "s3cret")) as subscriber:
            device = make_device("good", routes=route(broker.port))
            early, connected, _, sent, end = device.run(CLIENT, [CHANNEL, custom])
            assert early == [False, False]
            assert connected is True
            assert sent == [True, True]
            assert end == [True, False]
            assert published(subscriber, 2) == [
                ("channels/12/messages/thing", b"text", 1),
                ("else/where", b"raw", 1),
            ]


def test_client_gives_up_after_a_few_tries(make_device):
    with MqttBroker(user="thing", password="other") as broker:
        device = make_device("good", routes=route(broker.port))
        _, connected, took_ms, sent, _ = device.run(CLIENT, [CHANNEL, False])
    assert connected is False and sent == [False, False]
    assert took_ms < 20_000
    assert sum("code 5" in line for line in device.log) == 3


def test_client_names_what_is_wrong_in_its_configuration(make_device):
    program = """
    from protocols.mqtt_client import MQTTClientCustom, MQTTConfig
    show(raised(MQTTClientCustom, MQTTConfig()))
    """
    [[kind, text]] = make_device().run(program)
    assert kind == "ValueError"
    for name in ("server_ip", "message_channel_id", "thing_id", "thing_token"):
        assert name in text
