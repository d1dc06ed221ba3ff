"""`./dev deploy --keys` makes a board one with slots; without it such a board is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from devkit import cli
from devkit.deploy import repl, session
from devkit.deploy.source import Source, _file
from devkit.release import provision, sets, store
from devkit.release.provision import Provision

CONFIRMED, SLOT_B = 1 << 28, 1 << 27
MPY = b"M\x04\x02\x1f"
SLOT = {"node.mpy": MPY + b"node 3", "utils/at.mpy": MPY + b"at", "set": b"set 1\n"}
KEYS = {"keys/root": b"R" * 384, "keys/release": b"PYK1"}
BUILD = {
    "boot.py": b"print('boot')\n", "main.py": b"print('main')\n", "config.mpy": b"M\x04\x02\x1fc",
    "node.mpy": b"M\x04\x02\x1f built", "utils/at.mpy": b"M\x04\x02\x1f at built",
}  # fmt: skip
OWN = {"config.py": b"_DEVICE_NAME = 'field-7'\n", "notes/data.log": b"mine"}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What was asked for: [(node, slot)]; release 3 and a build of a few files take its place."""
    asked: list[Any] = []

    def of_release(releases: Path, keys: Path, node: str, slot: str) -> Provision:
        asked.append((node, slot))
        word = CONFIRMED | (SLOT_B if slot == "b" else 0) | 3
        files = {f"{slot}/{path}": data for path, data in SLOT.items()} | KEYS
        return Provision(3, files, (("ota_key", "ab" * 32), ("ota_floor", 3), ("ota", word)))

    files = tuple(_file(path, data) for path, data in BUILD.items())
    monkeypatch.setattr(provision, "of_release", of_release)
    monkeypatch.setattr(provision, "node_key", lambda *names: False)
    monkeypatch.setattr(provision, "has_key", lambda *names: True)
    monkeypatch.setattr(session, "_source", lambda options: Source(Path(), None, files))
    monkeypatch.setattr(repl, "PATIENCE_S", 0.5)
    monkeypatch.setattr(session.key_folder, "check_private", lambda folder: None)
    (tmp_path / "secret").mkdir()
    return asked


@pytest.fixture
def deploy(given, tmp_path: Path):
    def run(port: str, *arguments: str) -> int:
        keys = ["--keys", str(tmp_path / "secret")]
        return cli.main(["deploy", port, *keys, "--wait", "5", *arguments])

    return run


def nvs(board) -> dict[str, int | str]:
    records = board.rehearsal.board.board.services["nvs"].records
    return {key: value for (key, _), value in records.items() if key.startswith("ota")}


def in_slot(slot: str) -> dict[str, bytes]:
    return {f"{slot}/{path}": data for path, data in SLOT.items()}


def test_a_new_board_gets_slot_keys_and_numbers(board, deploy, given, capsys) -> None:
    one = board()
    assert deploy(one.port) == 0
    scripts = {path: BUILD[path] for path in ("boot.py", "main.py", "config.mpy")}
    assert one.files() == {**in_slot("a"), **KEYS, **scripts}
    assert nvs(one) == {"ota_key": "ab" * 32, "ota_floor": 3, "ota": CONFIRMED | 3}
    unique = one.rehearsal.board.board.services["system"].do_unique_id()
    [(node, slot)] = given
    assert (node, slot) == (provision.name_of(bytes(unique)), "a")
    assert capsys.readouterr().out.splitlines()[-1] == f"node {node} runs release 3 from slot a"


def test_what_the_slot_replaces_in_flash_goes_last_and_nothing_else(board, deploy, given) -> None:
    old = {"node.py": b"old", "utils/at.mpy": b"old", "utils/mine.mpy": b"M\x04mine",
           "boot.py": b"old"}  # fmt: skip
    one = board({**old, **OWN})
    assert deploy(one.port) == 0
    there = one.files()
    assert not {"node.py", "node.mpy", "utils/at.mpy"} & set(there)
    assert {path: there[path] for path in OWN} == OWN
    assert there["utils/mine.mpy"] == old["utils/mine.mpy"]
    assert given == [("field-7", "a")], "the name in the configuration that the board keeps"
    trace = one.rehearsal.board.board.trace
    order = [entry.text for entry in trace.entries if entry.kind in ("file", "nvs")]
    placed = max(at for at, text in enumerate(order) if text.startswith("rename"))
    [switched] = [at for at, text in enumerate(order) if text.startswith("set ota =")]
    removed = [at for at, text in enumerate(order) if text.startswith("remove ")]
    assert placed < switched < min(removed), order


def test_a_board_that_runs_slot_a_gets_the_release_in_slot_b(board, deploy, given) -> None:
    one = board({"a/node.mpy": b"M\x04 of release 2", "b/gone.mpy": b"M\x04 of release 1",
                 "b/old/deep.mpy": b"M\x04", **OWN})  # fmt: skip
    one.rehearsal.board.board.services["nvs"].put("ota", CONFIRMED | 2)
    assert deploy(one.port, "--node", "field-7") == 0
    assert given == [("field-7", "b")]
    slots = {path: data for path, data in one.files().items() if path[:2] in ("a/", "b/")}
    assert slots == {"a/node.mpy": b"M\x04 of release 2", **in_slot("b")}
    assert nvs(one)["ota"] == CONFIRMED | SLOT_B | 3


def test_without_keys_a_board_with_slots_is_refused(board, given, capsys) -> None:
    one = board({"a/node.mpy": b"M\x04"})
    one.rehearsal.board.board.services["nvs"].put("ota", CONFIRMED | 2)
    before = one.files()
    assert cli.main(["deploy", one.port, "--wait", "5"]) == 1
    assert "runs release 2 from a slot" in (said := capsys.readouterr().err)
    assert "allowed: ./dev deploy PORT --keys DIR" in said
    assert one.files() == before


def test_a_board_with_fat_is_refused_with_what_converting_would_erase(
    board, deploy, capsys
) -> None:
    one = board(OWN, filesystem="fat")
    assert deploy(one.port) == 1
    said = capsys.readouterr().err
    assert "the board has the file system FAT" in said
    assert "--convert, which erases the 2 files in its flash, config" in said
    assert one.files() == OWN and nvs(one) == {}


def test_convert_formats_and_provisions(board, deploy, given, capsys) -> None:
    one = board(OWN, filesystem="fat")
    assert deploy(one.port, "--convert") == 0
    assert "warning: formatting with LittleFS erases the 2 files" in capsys.readouterr().err
    there = one.files()
    assert not set(OWN) & set(there)
    assert there.items() >= {**in_slot("a"), **KEYS, "config.mpy": BUILD["config.mpy"]}.items()
    assert nvs(one)["ota"] == CONFIRMED | 3
    one.rehearsal.wait_for("reset")


@pytest.mark.parametrize(
    ("option", "status", "said"),
    [
        ("--dry-run", 0, "would be formatted with LittleFS, which erases the 1 file in its flash"),
        ("--node=meadow", 1, "--node meadow, but the node reports as"),
        ("no release", 1, "there is no release in"),
        ("a/b", 1, "_DEVICE_NAME = 'a/b'; allowed for updates: 1 to 63 letters"),
    ],
)
def test_convert_erases_nothing_in_a_rehearsal_or_before_a_refusal(
    option, status, said, board, deploy, monkeypatch, capsys
) -> None:
    one = board({"mine.py": b"mine"}, filesystem="fat")
    if option == "no release":
        trouble = store.StoreTrouble("there is no release in releases")
        monkeypatch.setattr(provision, "node_key", Mock(side_effect=trouble))
    if option == "a/b":
        monkeypatch.setattr(session.configuration, "fields", lambda: {"_DEVICE_NAME": "a/b"})
    assert deploy(one.port, "--convert", *[option] * option.startswith("--")) == status
    assert said in "".join(capsys.readouterr())
    assert one.files() == {"mine.py": b"mine"} and nvs(one) == {}


def test_dry_run_changes_neither_files_nor_nvs(board, deploy, capsys) -> None:
    one = board(OWN)
    assert deploy(one.port, "--dry-run") == 0
    assert one.files() == OWN and nvs(one) == {}
    assert capsys.readouterr().out.splitlines()[-1] == (
        "node field-7 would run release 3 from slot a"
    )


@pytest.mark.parametrize(
    "option",
    [["--node", "meadow"], ["--convert"], ["--releases", "mine"]],
    ids=lambda words: words[0],
)
def test_what_belongs_to_keys_is_wrong_usage_without_them(option, board, capsys) -> None:
    one = board()
    assert cli.main(["deploy", one.port, *option]) == 2
    said = capsys.readouterr().err
    assert said == f"./dev deploy: {option[0]} without keys; allowed: with --keys DIR\n"


@pytest.mark.parametrize(
    ("files", "name", "whence"),
    [(OWN, "field-7", "_DEVICE_NAME"), ({}, None, "its id, without _DEVICE_NAME")],
    ids=["configured", "by its id"],
)
def test_a_node_with_another_name_is_refused(files, name, whence, board, deploy, capsys) -> None:
    """The server would look for the device key under the name in the reports."""
    one = board(files)
    unique = one.rehearsal.board.board.services["system"].do_unique_id()
    name = name or provision.name_of(bytes(unique))
    assert deploy(one.port, "--node", "meadow") == 1
    said = capsys.readouterr().err
    assert (
        f"--node meadow, but the node reports as {name} ({whence}); allowed: --node {name}" in said
    )
    assert one.files() == files and nvs(one) == {}


def test_a_folder_without_private_keys_is_refused_before_anything(releases, capsys) -> None:
    assert cli.main(["deploy", "/dev/null", "--keys", str(releases)]) == 1
    assert "no private key in it; allowed: a folder of ./dev keys new" in capsys.readouterr().err


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["done", "dry"])
def test_the_sums_come_after_all_files_and_count_what_the_slot_replaces(
    dry, board, deploy, capsys
) -> None:
    one = board({**OWN, "node.py": b"old", "utils/at.mpy": b"old", "a/gone.mpy": b"M\x04"})
    assert deploy(one.port, *dry) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if "removed  " in line]) == 3
    would = "would be " if dry else ""
    assert f"0 unchanged, 1 kept, 3 {would}removed" in lines[-2]


@pytest.fixture(scope="module")
def releases(keys: Path, modules, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("store") / "releases"
    store.write(folder, sets.following(None, modules, 1), modules, [], keys)
    return folder


def test_a_node_runs_from_the_slot_that_it_was_given(
    board, keys, releases, tmp_path, monkeypatch, capsys
) -> None:
    """With real keys and a real release, most of which is on the board: the line is slow."""
    monkeypatch.chdir(tmp_path)
    there = provision.of_release(releases, keys, "field-7", "a").files
    sent = ("a/set", "a/node.mpy", "a/node_reset.py", "keys/root")
    one = board({path: data for path, data in there.items() if path not in sent})
    config = tmp_path / "node.py"
    config.write_text("from config import *\n\n_DEVICE_NAME = 'meadow-3'\n")
    command = ["deploy", one.port, "--keys", str(keys), "--releases", str(releases)]
    assert cli.main([*command, "--config", str(config), "--wait", "5"]) == 0
    assert "made the device key of node meadow-3" in capsys.readouterr().out
    key = (keys / "nodes/meadow-3.key").read_text().strip()
    assert (releases / "nodes/meadow-3.key").read_text().strip() == key
    assert nvs(one)["ota_key"] == key and nvs(one)["ota"] == CONFIRMED | 1
    on_board = one.files()
    assert {path: on_board[path] for path in there if path != "a/set"} == {
        path: data for path, data in there.items() if path != "a/set"
    }
    assert on_board["a/set"] != there["a/set"], "it has the tag of this node's key"
    assert not {"node.mpy", "node.py"} & set(on_board)
    one.rehearsal.wait_for("sleeps ")
    [slept] = [line for line in one.rehearsal.said if line.startswith("sleeps")]
    assert 300_000 < int(slept.split()[1]) < 2_000_000, "as the node wants it, not main.py"
    assert "journal" in {path.partition("/")[0] for path in one.files()}


def test_without_a_release_deploy_says_how_to_make_one(board, keys, tmp_path, capsys) -> None:
    one = board()
    none = tmp_path / "none"
    command = ["deploy", one.port, "--keys", str(keys), "--releases", str(none), "--wait", "5"]
    assert cli.main(command) == 1
    said = capsys.readouterr().err
    assert f"there is no release in {none}; allowed: ./dev release --keys {keys}" in said
    assert one.files() == {} and not none.exists()
