"""MQTT: subscribe at a broker, and queue each publication as a SenML pack.

    with MqttSubscriber("127.0.0.1", 1883, queue, report=print):
        ...

A publication with quality of service 1 is acknowledged when its report is stored, or can never be
decoded. The session at the broker is persistent, with a fixed client id and without clean start:
the broker keeps what comes while the collector is away, and repeats what was not acknowledged.
What finds no room here is asked for by a new connection, for a broker repeats nothing within one.

Intakes share a subscription: the broker gives each publication to one of them. It goes on to give
one that is away its part, which waits in its session. The protocol is MQTT 5, or 3.1.1 with a
broker that has no other.

A broker that cannot be reached is tried again, with pauses from 1 s to 60 s. That is reported
once, and once when it is back.

Source: MQTT 5 (3.1.2.11 session expiry and receive maximum, 3.2.2.2 reason codes, 4.4 repetition,
4.8.2 shared subscriptions); MQTT 3.1.1 (3.2.2.3 return codes).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from collector.arguments import TOPICS
from collector.decode import packs
from collector.intake.decode_queue import FAILED, STORED, DecodeQueue, Message, Verdict

PAUSE_S, PAUSE_MAX_S = 1, 60
REPEAT_S = 5.0  # until publications that were not stored are asked for again
KEEPALIVE_S = 60
SESSION_S = 30 * 86_400  # the broker keeps the session of a collector that is away
RECEIVE_MAX = 1_000  # publications that wait here for their commit
ANSWER_S = 3.0  # amqtt does not answer a CONNECT of MQTT 5 with properties
_NO_MQTT_5 = 0x84  # reason code "unsupported protocol version"


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
        share: str = "",
        report: Callable[[str, bool], None] = lambda text, ok: None,
    ) -> None:
        """client_id: without one the broker keeps nothing while this program is away. share: the
        name of the group that shares the subscription.
        report(text, ok): called when the state of the connection changes.
        """
        self.connected = False
        self._broker, self._topics = f"{host}:{port}", topics
        self._filters = [f"$share/{share}/{topic}" if share else topic for topic in topics]
        self._address, self._user, self._client_id = (host, port), (user, password), client_id
        self._queue, self._report = queue, report
        self._reported = ""
        self._answers = self._connections = 0
        self._lock = threading.Lock()
        self._repeat: threading.Timer | None = None
        self._start(MQTTProtocolVersion.MQTTv5)

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        self._reported = "closed"
        with self._lock:
            if self._repeat is not None:
                self._repeat.cancel()
        self._client.disconnect()
        self._client.loop_stop()

    def _start(self, protocol: MQTTProtocolVersion) -> None:
        is_new, clean = protocol is MQTTProtocolVersion.MQTTv5, not self._client_id
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, self._client_id, protocol=protocol, manual_ack=True,
            clean_session=None if is_new else clean,
        )  # fmt: skip
        user, password = self._user
        if user:
            client.username_pw_set(user, password or None)
        client.reconnect_delay_set(PAUSE_S, PAUSE_MAX_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if is_new:
            wanted = Properties(PacketTypes.CONNECT)
            wanted.SessionExpiryInterval = 0 if clean else SESSION_S
            wanted.ReceiveMaximum = RECEIVE_MAX
            more: Any = {"clean_start": clean, "properties": wanted}
            client.on_socket_open = self._on_socket_open
        else:
            more = {}
        client.connect_async(*self._address, KEEPALIVE_S, **more)
        client.loop_start()

    def _on_socket_open(self, client: Any, data: Any, connection: Any) -> None:
        def look() -> None:
            if self._answers == 0 and self._reported != "closed":
                self._fall_back()

        if self._answers == 0:
            late = threading.Timer(ANSWER_S, look)
            late.daemon = True
            late.start()

    def _fall_back(self) -> None:
        """Go on with MQTT 3.1.1."""
        before, self._answers = self._client, 1
        self._start(MQTTProtocolVersion.MQTTv311)
        _shut(before)
        before.loop_stop()

    def _report_once(self, text: str, ok: bool = False) -> None:
        if self._reported not in (text, "closed"):
            self._reported = text
            self._report(text, ok)

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        self._answers += 1
        if reason.value == _NO_MQTT_5 and client.protocol is MQTTProtocolVersion.MQTTv5:
            self._fall_back()
        elif reason.is_failure:
            self._report_once(
                f"the broker {self._broker} refuses the connection: {reason}; trying again"
            )
        else:
            self._connections += 1
            client.subscribe([(each, 1) for each in self._filters])

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
        if self.connected and client is self._client:
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
        _shut(self._client)


def _shut(client: paho.Client) -> None:
    connection = client.socket()
    if isinstance(connection, socket.socket):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
