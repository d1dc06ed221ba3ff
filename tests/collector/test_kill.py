"""A collector that is killed has stored each report that was acknowledged.

KILL_TRIALS=20 ./dev test -n 0 tests/collector/test_kill.py      # 20 of each; 1 without it
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from collector.load import CoapLoad, Key, MqttLoad, Result, keys
from devkit.servers.mqtt import MqttBroker

ROOT = Path(__file__).resolve().parents[2]
TRIALS = int(os.environ.get("KILL_TRIALS", "1"))
RATE, NODES = 300.0, 50
QUIET_S = 1.0  # without another report from the broker


def begin(database: Path, *words: str) -> tuple[subprocess.Popen[str], str]:
    """The collector in a process of its own, and what it says until it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "collector", "--udp", "off", "--http", "off", "--db", database,
         *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    said = ""
    while "collecting from" not in said or ("--mqtt" in words and "subscribed" not in said):
        line = process.stderr.readline()
        assert line, said
        said += line
    return process, said


def kill_under(load: CoapLoad | MqttLoad, process: subprocess.Popen[str]) -> Result:
    """Kill it at a random moment, and wait a little for answers under way."""
    killed_s = time.monotonic() + random.uniform(0.3, 2.0)

    def over() -> bool:
        if time.monotonic() > killed_s and process.poll() is None:
            process.kill()
            process.communicate()
        return time.monotonic() > killed_s + 0.3

    return load.run(over)


def stored(database: Path) -> set[Key]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return set(connection.execute("SELECT DISTINCT node, seq FROM readings").fetchall())


def test_what_was_acknowledged_by_coap_is_stored(tmp_path: Path) -> None:
    for trial in range(TRIALS):
        database = tmp_path / f"{trial}.db"
        process, said = begin(database, "--coap", "0")
        port = int(re.findall(r"coap://127\.0\.0\.1:(\d+)", said)[0])
        result = kill_under(CoapLoad("127.0.0.1", port, keys(NODES, 10_000), RATE), process)
        print(trial, result.summary())
        assert result.acknowledged
        assert set(result.acknowledged) - stored(database) == set()


def test_what_was_acknowledged_by_a_broker_is_stored_after_a_restart(tmp_path: Path) -> None:
    with MqttBroker() as broker:
        words = ("--coap", "off", "--mqtt", f"{broker.host}:{broker.port}")
        for trial in range(TRIALS):
            database = tmp_path / f"{trial}.db"
            process, _ = begin(database, *words)
            load = MqttLoad(broker.host, broker.port, keys(NODES, 10_000), RATE)
            result = kill_under(load, process)
            before = len(stored(database))
            process, _ = begin(database, *words)
            while len(stored(database)) < len(result.acknowledged):
                count = len(stored(database))
                time.sleep(QUIET_S)
                if len(stored(database)) == count:
                    break
            process.terminate()
            process.communicate()
            print(trial, before, result.summary())
            assert result.acknowledged
            assert set(result.acknowledged) - stored(database) == set()
