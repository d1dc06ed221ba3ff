"""Kill the collector, or the server of its database, at a random moment under load.

A fleet sends by CoAP and by MQTT meanwhile. The rule `lost`: each report that was acknowledged, by
the collector or by the broker, is in the database at the end. The seed gives the case and the
moment; what is under way at that moment differs each time.
"""

from __future__ import annotations

import contextlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from collector.load import CoapLoad, Key, MqttLoad, keys
from collector.storage import database
from devkit.servers.mqtt import MqttBroker
from devkit.servers.postgres import NoServer, PostgresServer
from devkit.soak.rig import Rig

RUNS = 12
# The store, how many intakes there are (1: one process of all roles), and what ends: `all` of them
# in turn by SIGKILL, each started again; `upgrade`: by SIGTERM; `server`: that of the database
CASES = (
    ("SQLite", 1, "all"),
    ("PostgreSQL", 1, "all"),
    ("SQLite", 2, "all"),
    ("PostgreSQL", 2, "all"),
    ("SQLite", 1, "upgrade"),
    ("PostgreSQL", 2, "server"),
)
RATE, NODES = 200.0, 40  # reports a second by each protocol
MOMENT_S = 0.1, 0.8  # since the load began, or since the one before is back
SETTLE_S = 0.3  # of load behind the last end
ARRIVE_S = 60.0  # for what waits in the broker
QUIET_S, QUIET_SERVER_S = 3.0, 15.0  # without anything new: after FAILED it is asked again later
ROOT = Path(__file__).resolve().parents[2]
_STORED = "SELECT base, report.seq FROM report JOIN node ON node.id = node WHERE report.boot >= 0"


def violations(rig: Rig, seed: int) -> list[tuple[str, str]]:
    store, processes, ends = CASES[(seed - 1) % len(CASES)]
    rng = random.Random(seed)
    about = f"seed {seed}: {store}, {processes} of {'them' if processes > 1 else 'it'}, {ends}"
    broker, server = rig.keep(MqttBroker), None
    with tempfile.TemporaryDirectory(prefix="kill-") as folder, contextlib.ExitStack() as stack:
        where = str(Path(folder) / "reports.db")
        if store == "PostgreSQL":
            try:
                server = rig.keep(PostgresServer)
            except NoServer as problem:
                rig.say(f"{about}: not run: {problem}")
                return []
            where = server.create()
        topic = f"kill/{seed}/{rng.random()}"
        words = ["--db", where, "--mqtt", f"{broker.host}:{broker.port}", "--topic", topic]
        words += ["--role", "intake" if processes > 1 else "all"]
        running = [_Process(words)]
        stack.callback(_end_all, running)
        words += ["--coap", str(running[0].port)]
        running += [_Process(words) for _ in range(processes - 1)]
        what = keys(NODES, 100_000)
        loads: list[CoapLoad | MqttLoad] = [
            CoapLoad("127.0.0.1", running[0].port, what, RATE),
            MqttLoad(broker.host, broker.port, [(f"m{base}", seq) for base, seq in what], RATE,
                     topic),
        ]  # fmt: skip
        with _sending(loads):
            _first_answers(loads)
            if ends == "server" and server is not None:
                time.sleep(rng.uniform(*MOMENT_S))
                server.kill()
                server.start()
            for place in range(processes if ends != "server" else 0):
                time.sleep(rng.uniform(*MOMENT_S))
                running[place].end(kill=ends == "all")
                running[place] = _Process(words)
            time.sleep(SETTLE_S)
        acknowledged = {key for load in loads for key in load.result.acknowledged}
        lost = _missing(where, acknowledged, QUIET_S if server is None else QUIET_SERVER_S)
        for each in running:
            each.end()
    rig.say(f"{about}: {len(acknowledged)} acknowledged, {len(lost)} of them not stored")
    if not all(load.result.acknowledged for load in loads):
        return [("silent", f"{about}: nothing was acknowledged by one of the protocols")]
    return [("lost", f"{about}: {len(lost)}, such as {min(lost)}")] if lost else []


def _end_all(running: list[_Process]) -> None:
    for each in running:
        each.end(kill=True)


def _missing(where: str, acknowledged: set[Key], quiet_s: float) -> set[Key]:
    """Return what is not stored, once nothing more comes from the broker."""
    before, changed_s, end_s = -1, 0.0, time.monotonic() + ARRIVE_S
    with database.connect(where, read_only=True) as connection:
        while True:
            missing = acknowledged - {(base, seq) for base, seq in connection.execute(_STORED)}
            now_s = time.monotonic()
            if len(missing) != before:
                before, changed_s = len(missing), now_s
            if not missing or now_s > min(end_s, changed_s + quiet_s):
                return missing
            time.sleep(0.2)


def _first_answers(loads: list[CoapLoad | MqttLoad]) -> None:
    end_s = time.monotonic() + ARRIVE_S
    while not all(load.result.sent > 50 for load in loads) and time.monotonic() < end_s:
        time.sleep(0.01)


@contextlib.contextmanager
def _sending(loads: list[CoapLoad | MqttLoad]) -> Iterator[None]:
    over = threading.Event()
    threads = [threading.Thread(target=each.run, args=(over.is_set,)) for each in loads]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        over.set()
        for each in threads:
            each.join()


class _Process:
    """A collector, which receives when this is made."""

    def __init__(self, words: list[str]) -> None:
        command = [sys.executable, "-m", "collector", "--udp", "off", "--http", "off"]
        if "--coap" not in words:
            command += ["--coap", "0"]
        self._process = subprocess.Popen(
            [*command, *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._process.stderr is not None
        said = ""
        while "collecting from" not in said or "subscribed" not in said:
            line = self._process.stderr.readline()
            if not line:
                raise RuntimeError(f"the collector does not start: {said}")
            said += line
        self.port = int(re.findall(r"coap://127\.0\.0\.1:(\d+)", said)[0])

    def end(self, kill: bool = False) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            self._process.communicate()
