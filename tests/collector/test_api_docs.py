"""docs/collect-api.md: its examples run, and its fields are those of the answers."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.web import access
from tests.collector.certificate import certificate
from tests.collector.web_rig import NOW, Site, numbered, site

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "collect-api.md").read_text("utf-8")
EXAMPLES = re.findall(r"^curl .*", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def at() -> Iterator[Site]:
    with site() as found:
        found.keep(numbered(1, t=20.0, rp=-90, rl=6), numbered(3), received=NOW - 60)
        found.execute("INSERT INTO alarm (node, kind, text, since) SELECT id, 'silent', 'x', 1"
                      " FROM node")  # fmt: skip
        yield found


def run(example: str, at: Site, folder: Path) -> str:
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    line = example.replace("127.0.0.1:8080", f"127.0.0.1:{at.server.port}").replace(
        "curl -s", "curl -sSf"
    )
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=[each[8:60] for each in EXAMPLES])
def test_an_example_works(example: str, at: Site, tmp_path: Path) -> None:
    printed = run(example, at, tmp_path)
    if "-o gate.csv" in example:
        assert (tmp_path / "gate.csv").read_text().startswith("node,name,unit,measured")
    elif not example.endswith("metrics"):
        json.loads(printed)


def keys(value: Any) -> set[str]:
    """All names in an answer, but of states, counters and the single releases."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    inner = [
        keys(each) for name, each in value.items() if name not in ("counts", "counters", "fleet")
    ]
    return set(value).union(*inner)


@pytest.mark.parametrize(
    "path", ["nodes", "node?node=gate", "series?node=gate&name=t", "gaps?node=gate", "status",
             "alarms"],
)  # fmt: skip
def test_each_field_of_an_answer_is_explained(at: Site, path: str) -> None:
    word = re.compile(rf"/api/{path.partition('?')[0]}\b")
    [part] = [each for each in TEXT.split("\n## ")[1:] if word.search(each)]
    if path.startswith("node?"):
        part += TEXT.split("\n## Overview")[1].partition("\n## ")[0]
        part += TEXT.split("\n## Alarms")[1].partition("\n## ")[0]
    explained = set(re.findall(r"`([a-z_]+)`", part))
    assert keys(at.json(f"/api/{path}")) - explained == set()


def test_the_example_with_tokens_and_tls(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    certificate(tmp_path)
    (tmp_path / "tokens").touch(0o600)
    (tmp_path / "tokens").write_text("read 0123456789abcdef")
    [command] = re.findall(r"^\$ ./dev collect (.*--token-file.*)$", TEXT, re.MULTILINE)
    collector = start(*command.replace(":8443", ":0").split())
    assert collector.page.startswith("https://0.0.0.0:")
    trust = ssl.create_default_context(cafile="cert.pem")
    url = collector.page.replace("0.0.0.0", "127.0.0.1") + "api/nodes"
    asked = urllib.request.Request(url, headers={"Authorization": "Bearer 0123456789abcdef"})
    with urllib.request.urlopen(asked, context=trust, timeout=10) as answer:
        assert json.load(answer)["total"] == 0


def test_the_tokens_of_the_example_are_some(tmp_path: Path) -> None:
    [block] = re.findall(r"^\(umask.*\n.*$", TEXT, re.MULTILINE)
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    subprocess.run(["sh", "-c", block], cwd=tmp_path, check=True)
    assert set(access.read_tokens(tmp_path / "tokens")) == {"read", "change"}
    assert not access.is_open_to_others(tmp_path / "tokens")
