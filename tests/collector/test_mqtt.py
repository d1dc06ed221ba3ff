"""MQTT with a real broker: what is published arrives, trouble is said once and got over."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.publish as publish
import pytest

from collector.intake import mqtt
from collector.intake.decode_queue import DecodeQueue
from collector.intake.mqtt import MqttSubscriber
from collector.storage.store import Store
from devkit.servers.mqtt import MqttBroker
from tests.collector.rig import report, rows, wait_until

JSON = json.dumps([{"bn": "g:", "n": "t", "v": 21.5}]).encode()


def test_published_reports_arrive_from_a_broker(
    start: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    import cbor2

    topic = "channels/1/messages/gate"
    with MqttBroker() as broker:
        collector = start("--mqtt", str(broker.port), "--udp", "off", "--coap", "off")
        assert wait_until(lambda: "subscribed to r/#, channels/#" in capsys.readouterr().err)
        publish.multiple(
            [("r", cbor2.dumps(report(1)), 1), (topic, JSON, 0), (topic, b"junk", 1),
             ("other", JSON, 1), (topic, bytes(70_000), 1)],
            hostname="127.0.0.1", port=broker.port,
        )  # fmt: skip
        assert collector.queue.wait_for(4, 5)
    assert rows(collector.store.where, "node || name, source") == [
        ("g:t", topic), ("gate:seq", "r"), ("gate:t", "r"),
    ]  # fmt: skip
    assert collector.queue.refused == 2


@pytest.fixture
def queue() -> Iterator[DecodeQueue]:
    with Store() as store:
        queue = DecodeQueue(store, [])
        yield queue
        queue.close()


def test_a_broker_that_comes_later_is_found(queue: DecodeQueue) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    said: list[tuple[str, bool]] = []
    with MqttSubscriber("127.0.0.1", port, queue, report=lambda *what: said.append(what)):
        assert wait_until(lambda: said != [])
        with MqttBroker(port=port):
            assert wait_until(lambda: len(said) == 2, 10)
            publish.single("channels/1", JSON, 1, hostname="127.0.0.1", port=port)
            assert queue.wait_for(1, 5)
        assert wait_until(lambda: len(said) == 3)
    assert [(text.split(":")[0], well) for text, well in said] == [
        ("the broker 127.0.0.1", False),
        ("subscribed to r/#, channels/# at 127.0.0.1", True),
        ("the broker 127.0.0.1", False),
    ]


def test_wrong_credentials_are_said(queue: DecodeQueue) -> None:
    said: list[str] = []
    with MqttBroker(user="thing", password="right") as broker:
        with MqttSubscriber(
            broker.host, broker.port, queue, user="thing", password="wrong",
            report=lambda text, well: said.append(text),
        ):  # fmt: skip
            assert wait_until(lambda: said != [])
    assert "refuses the connection: Not authorized" in said[0]
    assert "wrong" not in said[0]


def test_what_finds_no_room_is_asked_for_again(
    queue: DecodeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "REPEAT_S", 0.1)
    put, refused = queue.put, []
    monkeypatch.setattr(queue, "put", lambda message: refused.append(message))
    with MqttBroker() as broker, subscriber(broker, queue):
        publish.single("r", JSON, 1, hostname="127.0.0.1", port=broker.port)
        assert wait_until(lambda: len(refused) >= 2, 20)  # the second by a new connection
        monkeypatch.setattr(queue, "put", put)
        assert queue.wait_for(1, 20)


def test_the_broker_keeps_what_comes_while_the_collector_is_away(queue: DecodeQueue) -> None:
    with MqttBroker() as broker:
        with subscriber(broker, queue):
            pass
        publish.single("r", JSON, 1, hostname="127.0.0.1", port=broker.port)
        with subscriber(broker, queue):
            assert queue.wait_for(1, 10)


def test_a_broker_without_mqtt_5(queue: DecodeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.3)
    with MqttBroker(name="amqtt") as broker, subscriber(broker, queue):
        publish.single("r", JSON, 1, hostname="127.0.0.1", port=broker.port)
        assert queue.wait_for(1, 10)


def test_intakes_share_what_comes_and_what_one_did_not_acknowledge_waits_for_it(
    queue: DecodeQueue,
) -> None:
    with MqttBroker(name="mosquitto") as broker, subscriber(broker, queue, "one", "fleet"):
        taken: list[Any] = []
        dies = Held(taken)
        with subscriber(broker, dies, "two", "fleet") as second:
            publish.multiple(
                [("r", JSON, 1)] * 100, hostname="127.0.0.1", port=broker.port
            )  # more than the 20 that a broker sends without a receive maximum
            assert wait_until(lambda: len(taken) == 50) and queue.wait_for(50, 10)
            second._client.socket().shutdown(socket.SHUT_RDWR)  # no DISCONNECT
            second._client.loop_stop()
        with subscriber(broker, queue, "two", "fleet"):
            assert queue.wait_for(100, 10)


class Held:
    """A queue from which nothing is stored."""

    def __init__(self, taken: list[Any]) -> None:
        self.put = lambda message: taken.append(message) or True


def test_each_intake_of_a_computer_has_an_id_that_it_finds_again(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, str]] = []

    def subscribe(*words: Any, **more: Any) -> Any:
        made.append(words[6:8])
        return contextlib.nullcontext()

    monkeypatch.setattr(mqtt, "MqttSubscriber", subscribe)
    words = ("--db", str(tmp_path / "a.db"), "--mqtt", "1", "--coap", "off", "--http", "off")
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            for role in ("all", "intake", "intake"):
                start(*words, "--role", role, stack=stack)
    start(*words, "--role", "intake", "--client-id", "mine")
    assert made[:3] == made[3:6]
    assert len({name for name, _ in made}) == 4 and made[6][0] == "mine"
    assert made[0][1] == "" != made[1][1] == made[2][1] == made[6][1]


@contextlib.contextmanager
def subscriber(
    broker: MqttBroker, queue: Any, client_id: str = "fixed", share: str = ""
) -> Iterator[MqttSubscriber]:
    """One that comes back to its session."""
    with MqttSubscriber(
        broker.host, broker.port, queue, client_id=client_id, share=share
    ) as found:
        assert wait_until(lambda: found.connected)
        yield found
