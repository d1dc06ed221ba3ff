"""The PyPI broker amqtt as a process of its own, for MqttBroker where there is no Mosquitto.

    python -m devkit.servers.amqtt_broker HOST PORT [FILE]

FILE has two lines: the user and the password without which nobody may connect.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from amqtt.broker import Broker

_AUTHENTICATION = "amqtt.plugins.authentication."


def configuration(host: str, port: int, file: Path | None) -> dict[str, Any]:
    plugins: dict[str, Any] = {}
    if file is None:
        plugins[_AUTHENTICATION + "AnonymousAuthPlugin"] = {"allow_anonymous": True}
    else:
        plugins[_AUTHENTICATION + "FileAuthPlugin"] = {"password_file": str(_hashed(file))}
    listener = {"type": "tcp", "bind": f"{host}:{port}"}
    return {"listeners": {"default": listener}, "plugins": plugins}


def _hashed(file: Path) -> Path:
    """The user as amqtt wants it: a line with an Argon2 hash."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    user, password = file.read_text(encoding="utf-8").split("\n")
    users = file.with_suffix(".hashed")
    hashed = PasswordHash((Argon2Hasher(),)).hash(password)
    users.write_text(f"{user}:{hashed}\n", encoding="utf-8")
    return users


async def serve(host: str, port: int, file: Path | None) -> None:
    """Until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    broker = Broker(configuration(host, port, file))
    await broker.start()
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(serve(given[0], int(given[1]), Path(given[2]) if given[2:] else None))
