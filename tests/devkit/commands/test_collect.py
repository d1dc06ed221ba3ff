"""`./dev collect`: the collector as a command, and the broker that only it can start."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys

import pytest
from paho.mqtt import publish

from collector import arguments
from devkit import cli
from devkit.commands import collect
from emulator.device_files import ROOT

FREE = ["--udp", "0", "--coap", "0", "--http", "0"]


def options_of(add) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add(parser)
    return {action.option_strings[0]: action.default for action in parser._actions}


def test_it_takes_what_the_program_takes_and_a_broker() -> None:
    assert options_of(collect.arguments) == {**options_of(arguments.add), "--broker": None}


def test_the_help_has_the_options_in_groups() -> None:
    parser = argparse.ArgumentParser()
    collect.arguments(parser)
    headings = [line for line in parser.format_help().splitlines() if re.match(r"\w.*:$", line)]
    assert headings == [
        "options:", "receive:", "page and API:", "database:", "nodes: alarms, updates:",
        "process:",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--udp", "65536"], "allowed: 0 (a free one) to 65535, off"),
        (["--udp", "off", "--coap", "off"], "allowed: --udp, --coap or --mqtt"),
        (["--mqtt", "1883", "--broker"], "--broker: not allowed with --mqtt"),
        (["--broker", "0", "--host", "192.0.2.1"], "--broker 0: 192.0.2.1:0: "),
    ],
)
def test_wrong_usage_is_one_line(words, allowed, capsys) -> None:
    try:
        status = cli.main(["collect", *FREE, *words])
    except SystemExit as ended:
        status = int(str(ended.code))
    *before, line = capsys.readouterr().err.splitlines()
    assert status == 2 and allowed in line
    assert [each for each in before if not each.startswith("page: ")] == []


def test_what_is_published_at_its_broker_is_collected(tmp_path) -> None:
    """By any client, and by a node that has the published topic: the defaults fit together."""
    config = tmp_path / "node.py"
    config.write_text('from config import *\n_PROTOCOL = "mqtt"\n_PORT = 1883\n')
    start = "import sys; from devkit import cli; sys.exit(cli.main())"
    words = ["collect", *FREE, "--broker", "0", "--count", "2", "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", start, *words], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            assert process.stderr is not None
            said = ""
            while "subscribed to" not in said or "collecting from" not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            port = int(re.findall(r"mqtt://127\.0\.0\.1:(\d+)/channels/#", said)[0])
            pack = b'[{"n": "t", "v": 21.5}]'
            publish.single("channels/1", pack, 1, hostname="127.0.0.1", port=port)
            node = ["run", str(ROOT / "main.py"), "--config", str(config)]
            route = ["--route", f"192.0.2.1:1883=127.0.0.1:{port}"]
            assert cli.main([*node, *route]) == 0
            out, _ = process.communicate(timeout=60)
        finally:
            process.terminate()
    assert process.returncode == 0 and said.startswith("broker: ")
    found = [json.loads(line) for line in out.splitlines()]
    assert (found[0]["name"], found[0]["source"]) == ("t", "channels/1")
    assert {each["source"] for each in found[1:]} == {"r"}
