"""`./dev demo`: a bearer or a protocol is on the command line as soon as its file is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from devkit import cli
from devkit.application import REFERENCE
from emulator.device_files import configured
from tests.published import link_bytecode, publish

# NB-IoT under another name, with what the contract of networking/__init__.py asks for and no more
BEARER = '''"""Pigeons."""

from networking import nbiot


def problems(cfg):
    return nbiot.problems(cfg)


def carries(cfg):
    return nbiot.carries(cfg)


def up(cfg, kind):
    return nbiot.up(cfg, kind)


def transport(kind):
    return nbiot.transport(kind)


def datagram_limit():
    return nbiot.datagram_limit()


def metrics():
    return []


def last_outcome():
    return nbiot.last_outcome()


def down(settled=False):
    return nbiot.down(settled)


def left():
    return nbiot.left()


def stop():
    return nbiot.stop()
'''
PROTOCOL = '''"""Each payload with a word in front; no server answers."""

from protocols import REFUSED, UNKNOWN

NEEDS = {kind!r}


def problems(cfg):
    return []


def overhead(cfg):
    return 4


def open(transport, cfg):
    return _Session(transport, (cfg._HOST, cfg._PORT))


class _Session:
    confirms = False

    def __init__(self, transport, to):
        self._transport = transport
        self._to = to
        if NEEDS == "stream":
            transport.connect(to)

    def deliver(self, payload):
        data = b"sing" + payload
        send = self._transport.send if NEEDS == "stream" else self._send
        return UNKNOWN if send(data) == len(data) else REFUSED

    def _send(self, data):
        return self._transport.sendto(data, self._to)

    def close(self):
        self._transport.close()
'''
START = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from devkit import cli
sys.exit(cli.main())
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project with a bearer and two protocols more."""
    root = tmp_path_factory.mktemp("tree")
    publish(root, lambda name: not name.startswith(("docs/", "tests/")))
    link_bytecode(root)
    (root / "networking/pigeons.py").write_text(BEARER)
    (root / "protocols/verse.py").write_text(PROTOCOL.format(kind="message"))
    (root / "protocols/mute.py").write_text('"""No protocol."""\n\nNEEDS = 3\n')
    (root / "protocols/verse_stream.py").write_text(PROTOCOL.format(kind="stream"))
    return root


def demo(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START, str(tree), "demo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tree,
    )


@pytest.mark.parametrize(("protocol", "server"), [("verse", "UDP"), ("verse_stream", "TCP")])
def test_a_new_bearer_and_a_new_protocol_are_taken_and_run(
    protocol: str, server: str, tree: Path
) -> None:
    done = demo(tree, "--bearer", "pigeons", "--protocol", protocol, "--cycles", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert f"{server} " in done.stderr
    [cycle] = json.loads(done.stdout)["cycles"]
    assert cycle["cause"] == "attached"
    assert cycle["delivered"] == len(cycle["sent"]) > 0
    assert bytes.fromhex(cycle["sent"][0]["hex"]).startswith(b"sing")


def test_it_says_in_which_form_modules_load_by_default_in_that_of_a_build(tree: Path) -> None:
    loads_ms = {}
    for form, options in {"compiled, .mpy": (), "source, .py": ("--install", "py")}.items():
        done = demo(tree, "--bearer", "lora", "--cycles", "1", "--json", *options)
        assert done.returncode == 0, done.stderr
        [said] = [line for line in done.stderr.splitlines() if line.startswith("Modules: ")]
        assert form in said and ("./dev build" in said) == (not options)
        [cycle] = json.loads(done.stdout)["cycles"]
        phases = {phase["name"]: phase["duration_ms"] for phase in cycle["phases"]}
        loads_ms[form] = phases["load"]
    assert loads_ms["compiled, .mpy"] < 0.6 * loads_ms["source, .py"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ({"_MODEM_LINK": "lte"}, [("lte", "cold"), ("lte", "cold")]),
        ({"_MODEM_LINK": "uart", "_PSM": "auto"}, [("uart", "cold"), ("uart", "resumed")]),
        ({"_MODEM_LINK": "uart", "_SEND_EVERY": 2}, [("uart", "cold"), (None, None)]),
        ({"_BEARER": "wifi"}, [(None, None), (None, None)]),
    ],
    ids=["firmware", "kept registration", "measures only", "no modem"],
)
def test_json_tells_link_and_start_of_each_cycle(lines, expected, tmp_path, capsys) -> None:
    config = tmp_path / "node.py"
    texts = [f"{name} = {value!r}" for name, value in lines.items()]
    config.write_text("from config import *\n\n" + "\n".join(texts) + "\n")
    with configured(REFERENCE):
        given = ["demo", "--config", str(config), "--cycles", "2", "--install", "py", "--json"]
        assert cli.main(given) == 0
    told = json.loads(capsys.readouterr().out)["cycles"]
    assert [(each["link"], each["start"]) for each in told] == expected


def test_a_wrong_bearer_or_protocol_is_told_with_those_that_are_there(tree: Path) -> None:
    done = demo(tree, "--bearer", "smoke")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'nbiot', 'lora', 'pigeons', 'wifi'" in done.stderr
    assert "'udp', 'verse', 'coap', 'mqtt', 'verse_stream'" in demo(tree, "--protocol", "x").stderr
