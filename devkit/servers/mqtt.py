"""A real MQTT broker on loopback: Mosquitto, or where that is not to be had, amqtt from PyPI.

    with MqttBroker() as broker, Subscriber(broker) as subscriber:
        print(broker.name, broker.host, broker.port)     # mosquitto 127.0.0.1 40961
        ...                                              # a client publishes
        subscriber.wait_for(1)
        subscriber.received[0].topic, subscriber.received[0].data

Nothing is kept, nothing is read from or written to the computer's own configuration, and it ends
with the block.
"""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import paho.mqtt.client as paho

from devkit import requirements
from devkit.servers import debian
from devkit.servers.server import Received, Server, Started

PORT = 1883
ANSWERS = True  # to the client that publishes with QoS 1
NAMES = ("mosquitto", "amqtt")
_START_S = 15.0
_STOP_S = 5.0
_SUBSCRIBE_S = 10.0
_PORTS = 5  # tries, for another program may take a free port first


class NoBroker(Exception):
    """It did not start; the text says why."""


class MqttBroker:
    """
    host, port  where it listens; port 0 is a free one
    name        "mosquitto" or "amqtt"; about: for people, with the reason of a second choice
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        user: str | None = None,
        password: str | None = None,
        name: str | None = None,
    ) -> None:
        """user, password: without them anybody may connect. name: insist on one of NAMES."""
        if name not in (None, *NAMES):
            raise ValueError(f"name = {name!r}; allowed: None, {', '.join(NAMES)}")
        self.host = host
        self.port = port
        self._wanted_port = port
        self._user = (user, password or "") if user is not None else None
        self._program = debian.program("mosquitto", "mosquitto") if name != "amqtt" else None
        if name == "mosquitto" and self._program is None:
            raise NoBroker(f"no mosquitto: {debian.why_not('mosquitto')}")
        self.name = "amqtt" if self._program is None else "mosquitto"
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def about(self) -> str:
        if self._program is not None:
            return "Mosquitto"
        reason = debian.why_not("mosquitto")
        return "amqtt" + (f" (Mosquitto is not here: {reason})" if reason else "")

    def __enter__(self) -> MqttBroker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Until it accepts connections. NoBroker if it does not."""
        if self._program is None:
            requirements.need("broker")
        self._folder = tempfile.TemporaryDirectory(prefix="broker-")
        folder = Path(self._folder.name)
        for _ in range(1 if self._wanted_port else _PORTS):
            try:
                self.port = _free_port(self.host, self._wanted_port)
            except OSError as problem:
                self.stop()
                raise NoBroker(f"{self.host}:{self._wanted_port}: {problem}") from problem
            with (folder / "log").open("wb") as log:
                self._process = subprocess.Popen(
                    self._command(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=folder,
                )  # fmt: skip
            if self._listening(self._process):
                return
            self._end()
        said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
        self.stop()
        raise NoBroker(f"{self.name} does not listen on {self.host}:{self.port}: {said[-300:]}")

    def stop(self) -> None:
        self._end()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _listening(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for it: its own process lives, and somebody accepts."""
        end = time.monotonic() + _START_S
        while time.monotonic() < end and process.poll() is None:
            try:
                with socket.create_connection((self.host, self.port), timeout=1):
                    pass
                return process.poll() is None
            except OSError:
                time.sleep(0.02)
        return False

    def _command(self, folder: Path) -> list[str]:
        if self._program is None:
            words = [
                sys.executable,
                "-m",
                "devkit.servers.amqtt_broker",
                self.host,
                str(self.port),
            ]
            if self._user is not None:
                (folder / "users").write_text("\n".join(self._user), encoding="utf-8")
                words.append(str(folder / "users"))
            return ["env", f"PYTHONPATH={Path(__file__).resolve().parents[2]}", *words]
        lines = [f"listener {self.port} {self.host}", "persistence false", "log_dest stderr",
                 f"allow_anonymous {'true' if self._user is None else 'false'}"]  # fmt: skip
        if self._user is not None:
            (folder / "users").write_text(_mosquitto_user(*self._user), encoding="utf-8")
            (folder / "users").chmod(0o644)  # started as root, it gives up its rights
            folder.chmod(0o755)
            lines.append(f"password_file {folder / 'users'}")
        (folder / "broker.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [self._program, "-c", str(folder / "broker.conf")]


def _mosquitto_user(user: str, password: str) -> str:
    """A line of its password file: $7$iterations$salt$PBKDF2-SHA512 (mosquitto_passwd(1))."""
    import base64
    import os

    salt, rounds = os.urandom(12), 101
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    texts = [base64.b64encode(part).decode() for part in (salt, made)]
    return f"{user}:$7${rounds}${'$'.join(texts)}\n"


def _free_port(host: str, port: int) -> int:
    """`port` itself, or any if it is 0. OSError if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        free: int = probe.getsockname()[1]
        return free


@dataclass
class Message(Received):
    """One publication; its source is the topic."""

    topic: str
    qos: int


class Subscriber(Server[Message]):
    """Keeps what is published at a broker. NoBroker if it cannot subscribe there."""

    def __init__(
        self, broker: MqttBroker, topic: str = "#", user: tuple[str, str] | None = None
    ) -> None:
        super().__init__()
        self.host, self.port = broker.host, broker.port
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if user is not None:
            self.client.username_pw_set(*user)
        subscribed = threading.Event()

        def on_connect(client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
            client.subscribe(topic, qos=1)

        self.client.on_connect = on_connect
        self.client.on_subscribe = lambda *given: subscribed.set()
        self.client.on_message = self._on_message
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        if not subscribed.wait(_SUBSCRIBE_S):
            self.close()
            raise NoBroker(f"{broker.name} does not let us subscribe to {topic}")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        topic = message.topic
        self._keep(Message(time.time(), (topic, 0), bytes(message.payload), topic, message.qos))


def start(parts: ExitStack) -> Started:
    broker = parts.enter_context(MqttBroker())
    return parts.enter_context(Subscriber(broker)), f"MQTT broker ({broker.about})"
