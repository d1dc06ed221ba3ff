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

import base64
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
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
        self._parts = contextlib.ExitStack()

    @property
    def about(self) -> str:
        if self._program is not None:
            return "Mosquitto"
        reason = debian.why_not("mosquitto")
        return "amqtt" + (f" (Mosquitto is not here: {reason})" if reason else "")

    def __enter__(self) -> MqttBroker:
        """Start it, and wait until it accepts connections. NoBroker if it does not."""
        if self._program is None:
            requirements.need("broker")
        with contextlib.ExitStack() as parts:
            folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="broker-")))
            for _ in range(1 if self._wanted_port else _PORTS):
                self.port = _free_port(self.host, self._wanted_port)
                process = parts.enter_context(_running(self._command(folder), folder))
                if self._listening(process):
                    self._parts = parts.pop_all()
                    return self
            said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
        raise NoBroker(f"{self.name} does not listen on {self.host}:{self.port}: {said[-300:]}")

    def __exit__(self, *raised: object) -> None:
        self._parts.close()

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
        """Write the files that the broker reads; what starts it."""
        config, users = folder / "broker.conf", folder / "users"
        if self._user is not None:
            user_line = _amqtt_user if self._program is None else _mosquitto_user
            users.write_text(user_line(*self._user), encoding="utf-8")
            users.chmod(0o644)  # Mosquitto, started as root, gives up its rights
            folder.chmod(0o755)
        if self._program is None:
            config.write_text(json.dumps(self._amqtt_settings(users)), encoding="utf-8")
            return [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(config)]
        lines = [f"listener {self.port} {self.host}", "persistence false", "log_dest stderr",
                 f"allow_anonymous {'true' if self._user is None else 'false'}",
                 "max_inflight_messages 0", "max_queued_messages 0"]  # fmt: skip
        if self._user is not None:
            lines.append(f"password_file {users}")
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [self._program, "-c", str(config)]

    def _amqtt_settings(self, users: Path) -> dict[str, Any]:
        authentication = "amqtt.plugins.authentication."
        plugins: dict[str, Any] = {
            authentication + "AnonymousAuthPlugin": {"allow_anonymous": True}
        }
        if self._user is not None:
            plugins = {authentication + "FileAuthPlugin": {"password_file": str(users)}}
        listener = {"type": "tcp", "bind": f"{self.host}:{self.port}"}
        return {"listeners": {"default": listener}, "plugins": plugins}


def _amqtt_user(user: str, password: str) -> str:
    """A line of its password file, with an Argon2 hash."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    return f"{user}:{PasswordHash((Argon2Hasher(),)).hash(password)}\n"


def _mosquitto_user(user: str, password: str) -> str:
    """A line of its password file: $7$iterations$salt$PBKDF2-SHA512 (mosquitto_passwd(1))."""
    salt, rounds = os.urandom(12), 101
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    texts = [base64.b64encode(part).decode() for part in (salt, made)]
    return f"{user}:$7${rounds}${'$'.join(texts)}\n"


@contextlib.contextmanager
def _running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process of a command, which ends with the block; what it says goes to `log`."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port(host: str, port: int) -> int:
    """`port` itself, or any if it is 0. NoBroker if it is taken."""
    try:
        with socket.create_server((host, port)) as probe:
            free: int = probe.getsockname()[1]
            return free
    except OSError as problem:
        raise NoBroker(f"{host}:{port}: {problem}") from problem


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
