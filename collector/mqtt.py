"""MQTT: subscribe at a broker, and queue each publication as a SenML pack.

    with MqttSubscriber("127.0.0.1", 1883, queue, report=print):
        ...

Quality of service 1: a message in flight when the connection breaks is repeated, and recognized
as a duplicate. A broker that cannot be reached is tried again, with pauses from 1 s to 60 s. That
is reported once, and once when it is back.

Source: MQTT 3.1.1 (3.2.2.3 return codes, 3.9.3 return codes of SUBACK).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from collector import packs
from collector.arguments import TOPICS
from collector.decode_queue import DecodeQueue, Message

PAUSE_S, PAUSE_MAX_S = 1, 60
KEEPALIVE_S = 60


class MqttSubscriber(AbstractContextManager["MqttSubscriber"]):
    """Connects in a thread; construction succeeds without a broker."""

    def __init__(
        self,
        host: str,
        port: int,
        queue: DecodeQueue,
        topics: Sequence[str] = TOPICS,
        user: str = "",
        password: str = "",
        report: Callable[[str, bool], None] = lambda text, ok: None,
    ) -> None:
        """report(text, ok): called when the state of the connection changes."""
        self.connected = False
        self._broker, self._topics = f"{host}:{port}", topics
        self._queue, self._report = queue, report
        self._reported = ""
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        if user:
            self._client.username_pw_set(user, password or None)
        self._client.reconnect_delay_set(PAUSE_S, PAUSE_MAX_S)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect_async(host, port, KEEPALIVE_S)
        self._client.loop_start()

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        self._reported = "closed"
        self._client.disconnect()
        self._client.loop_stop()

    def _report_once(self, text: str, ok: bool = False) -> None:
        if self._reported not in (text, "closed"):
            self._reported = text
            self._report(text, ok)

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        if reason.is_failure:
            self._report_once(
                f"the broker {self._broker} refuses the connection: {reason}; trying again"
            )
        else:
            client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(self, client: Any, data: Any, mid: Any, reasons: Any, more: Any) -> None:
        refused = [
            topic
            for topic, reason in zip(self._topics, reasons, strict=False)
            if reason.is_failure
        ]
        if refused:
            said = ", ".join(refused)
            self._report_once(f"the broker {self._broker} refuses the topic {said}")
        else:
            self.connected = True
            said = ", ".join(self._topics)
            self._report_once(f"subscribed to {said} at {self._broker}", ok=True)

    def _on_connect_fail(self, client: Any, data: Any) -> None:
        self._report_once(f"the broker {self._broker} cannot be reached; trying again")

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        if self.connected:
            self.connected = False
            self._report_once(f"the broker {self._broker} has closed the connection; trying again")

    def _on_message(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = packs.printable(message.topic)
        except UnicodeError:
            topic = "a topic that is not UTF-8"
        if len(message.payload) > packs.PACK_MAX_BYTES:
            self._queue.add_refused("mqtt", topic, f"{len(message.payload)} bytes")
        else:
            self._queue.put(Message("mqtt", topic, bytes(message.payload)))
