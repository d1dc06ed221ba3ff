"""The brokers on loopback: they deliver, they know their user, they leave nothing behind."""

from __future__ import annotations

import socket

import paho.mqtt.client as paho
import pytest

from devkit.servers import debian
from devkit.servers.mqtt import NAMES, MqttBroker, NoBroker, Subscriber
from tests.mqtt_peers import published


@pytest.fixture(params=NAMES)
def name(request) -> str:
    if request.param == "mosquitto" and debian.program("mosquitto", "mosquitto") is None:
        pytest.skip(f"no mosquitto: {debian.why_not('mosquitto')}")
    return request.param


def code(broker: MqttBroker, user: str | None, password: str | None) -> int:
    """How the broker answers a connection; 0 is accepted."""
    codes = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda client, data, flags, code, more: codes.append(code.value)
    if user is not None:
        client.username_pw_set(user, password)
    client.connect(broker.host, broker.port)
    while not codes:
        if client.loop(timeout=5) and not codes:
            codes.append(-1)  # closed without an answer
    client.disconnect()
    return codes[0]


def test_message_is_delivered_and_the_port_is_free_afterwards(name):
    with MqttBroker(name=name) as broker:
        assert broker.name == name and broker.host == "127.0.0.1"
        assert code(broker, None, None) == 0
        with Subscriber(broker) as subscriber:
            subscriber.client.publish("a/b", b"\x00\xff", qos=1)
            assert published(subscriber, 1) == [("a/b", b"\x00\xff", 1)]
    with pytest.raises(OSError), socket.create_connection((broker.host, broker.port), timeout=1):
        pass


def test_only_the_user_may_connect(name):
    with MqttBroker(user="thing", password="s3cret", name=name) as broker:
        assert code(broker, "thing", "s3cret") == 0
        assert code(broker, "thing", "wrong") != 0
        assert code(broker, None, None) != 0


def test_where_mosquitto_is_not_to_be_had_it_is_amqtt_and_says_why(monkeypatch):
    monkeypatch.setattr(debian, "find", lambda name: None)
    monkeypatch.setattr(debian, "_reasons", {})
    monkeypatch.setattr(debian, "_rights", lambda: None)
    broker = MqttBroker()
    assert broker.name == "amqtt"
    assert "Mosquitto is not here: " in broker.about
    with pytest.raises(NoBroker, match="mosquitto"):
        MqttBroker(name="mosquitto")


def test_a_port_that_is_taken_is_said(name):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(NoBroker, match=str(port)), MqttBroker(port=port, name=name):
            pass
