"""A real PostgreSQL server on loopback, of Debian's package, for tests.

    with PostgresServer() as server:
        url = server.create()               # of a new, empty database: postgresql://...
        server.kill(); server.start()       # as after a crash

Its data lie in memory where there is room, and are gone at the end. Nothing of the computer's own
servers is read or changed. PostgreSQL refuses to run as root; then it runs as `postgres`, or as
`nobody`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from devkit import requirements
from devkit.servers import debian

_START_S = 30.0
_STOP_S = 10.0
_MEMORY = Path("/dev/shm")
_ROOM = 512 << 20
_SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": 50,
    "shared_buffers": "64MB", "max_wal_size": "64MB", "min_wal_size": "8MB", "jit": "off",
    "max_parallel_workers_per_gather": 0, "timezone": "UTC", "log_destination": "stderr",
}  # fmt: skip
# Survives kill(), which leaves the memory of the system alone, and no loss of power
_FAST = {"fsync": "off", "full_page_writes": "off"}


class NoServer(Exception):
    """It did not start; the text says why."""


class PostgresServer:
    """
    port    where it listens on 127.0.0.1
    """

    def __init__(self, folder: str | None = None, **settings: Any) -> None:
        """folder: where the data are to lie, such as on a disk that is measured. settings: of
        postgresql.conf, such as fsync="on"."""
        self.port = 0
        self._settings = _SETTINGS | _FAST | settings
        self._initdb = debian.program("initdb", "postgresql")
        if self._initdb is None:
            raise NoServer(f"no PostgreSQL: {debian.why_not('postgresql')}")
        in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
        self._where = folder or (str(_MEMORY) if in_memory else None)
        self._user = _user()
        self._password = secrets.token_hex(8)
        self._numbers = itertools.count()
        self._parts = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PostgresServer:
        requirements.need("postgres")
        with contextlib.ExitStack() as parts:
            made = tempfile.TemporaryDirectory(prefix="postgres-", dir=self._where)
            self._folder = Path(parts.enter_context(made))
            self._data = self._folder / "data"
            self._initialise()
            parts.callback(self.stop)
            self.start()
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self._parts.close()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://tests:{self._password}@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """Create an empty database; return its URL."""
        import psycopg

        name = f"d{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def start(self) -> None:
        """Start it, at the same port if it ran before, and wait until it answers."""
        self.port = self.port or _free_port()
        program = str(Path(self._initdb or "").resolve().parent / "postgres")
        settings = {**self._settings, "port": self.port}
        words = [word for each in settings.items() for word in ("-c", f"{each[0]}={each[1]}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-D", str(self._data), *words], cwd=self._folder, user=self._user,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + _START_S
        while not self._answers():
            if time.monotonic() > end or self._process.poll() is not None:
                said = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
                raise NoServer(f"PostgreSQL does not start: {said.strip()[-300:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        self._end(signal.SIGINT)  # fast shutdown: clients are disconnected

    def kill(self) -> None:
        """End it as a crash does: without a checkpoint."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url(), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        word = self._folder / "password"
        word.write_text(self._password, encoding="ascii")
        if self._user is not None:
            for path in (self._folder, word):
                os.chown(path, self._user, -1)
        done = subprocess.run(
            [str(self._initdb), "-D", str(self._data), "-U", "tests", "-A", "password",
             f"--pwfile={word}", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=4"],
            cwd=self._folder, user=self._user, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise NoServer(f"initdb: {done.stderr.strip()[-300:]}")


def _user() -> int | None:
    """The user to run as; None for the present one."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_uid
    return pwd.getpwnam("nobody").pw_uid


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free: int = probe.getsockname()[1]
        return free
