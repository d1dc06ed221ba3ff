"""MQTT: subscribe at a broker, and queue each publication as a SenML pack.

    with MqttSubscriber("127.0.0.1", 1883, queue, report=print):
        ...

A publication with quality of service 1 is acknowledged when its report is stored, or can never be
decoded. The session at the broker is persistent, with a fixed client id and without clean session:
the broker keeps what comes while the collector is away, and repeats what was not acknowledged.
What finds no room here is asked for by a new connection, for a broker repeats nothing within one.

A broker that cannot be reached is tried again, with pauses from 1 s to 60 s. That is reported
once, and once when it is back.

Source: MQTT 3.1.1 (3.1.2.4 clean session, 3.2.2.3 return codes, 3.9.3 return codes of SUBACK, 4.4
repetition).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from collector import packs
from collector.arguments import TOPICS
from collector.decode_queue import FAILED, STORED, DecodeQueue, Message, Verdict

PAUSE_S, PAUSE_MAX_S = 1, 60
REPEAT_S = 5.0  # until publications that were not stored are asked for again
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
        client_id: str = "",
        report: Callable[[str, bool], None] = lambda text, ok: None,
    ) -> None:
        """client_id: without one the broker keeps nothing while this program is away.
        report(text, ok): called when the state of the connection changes.
        """
        self.connected = False
        self._broker, self._topics = f"{host}:{port}", topics
        self._queue, self._report = queue, report
        self._reported = ""
        self._connections = 0
        self._lock = threading.Lock()
        self._repeat: threading.Timer | None = None
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=not client_id,
            protocol=paho.MQTTv311, manual_ack=True,
        )  # fmt: skip
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
        with self._lock:
            if self._repeat is not None:
                self._repeat.cancel()
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
            self._connections += 1
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
        connection, number, qos = self._connections, message.mid, message.qos

        def done(verdict: Verdict, reason: str) -> None:
            if verdict is FAILED:
                self._ask_again()
            elif connection == self._connections:  # a later one repeats it under a new number
                client.ack(number, qos)
                if qos and verdict is STORED:
                    self._queue.add_acknowledged()

        if len(message.payload) > packs.PACK_MAX_BYTES:
            self._queue.add_refused("mqtt", topic, f"{len(message.payload)} bytes")
            client.ack(number, qos)
        elif not self._queue.put(Message("mqtt", topic, bytes(message.payload), done=done)):
            self._ask_again()

    def _ask_again(self) -> None:
        """Let the connection break soon: the next one brings what was not acknowledged."""
        with self._lock:
            if self._repeat is None and self._reported != "closed":
                self._repeat = threading.Timer(REPEAT_S, self._break)
                self._repeat.daemon = True
                self._repeat.start()

    def _break(self) -> None:
        with self._lock:
            self._repeat = None
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
