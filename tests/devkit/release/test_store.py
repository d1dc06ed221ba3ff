"""The folder of releases: what is written is read again, and half of a release never shows."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from devkit.release import keys as key_folder
from devkit.release import provision, sets, store
from devkit.release.format import Component, Manifest, address, set_digest
from devkit.release.sets import Module


def module(name: str, text: str) -> Module:
    return Module(name, "mpy", text.encode(), f"# {text}\n".encode(), frozenset())


def add(folder: Path, keys: Path, modules: list[Module]) -> sets.Release:
    before = store.numbers(folder)
    previous = store.read(folder, before[-1]) if before else None
    release = sets.following(previous, modules, previous.seq + 1 if previous else 1)
    store.write(folder, release, modules, store.steps(folder, release, keys), keys)
    return release


def applied(base: sets.Release, body: bytes) -> str:
    """The digest of what a node makes of its set."""
    lines = body.decode().splitlines()
    components = {each.name: each for each in base.components}
    for line in lines:
        if line.startswith("+ "):
            name, kind, version, size, sha256, _ = line[2:].split(" ")
            components[name] = Component(name, kind, int(version), int(size), sha256)
        elif line.startswith("- "):
            del components[line[2:]]
    return set_digest(components.values())


def test_a_release_is_read_as_it_was_written(keys, tmp_path, modules) -> None:
    release = add(tmp_path, keys, modules)
    assert store.read(tmp_path, 1) == release
    for each in release.components[::20]:
        assert store.content(tmp_path, each) == {one.name: one.data for one in modules}[each.name]
    assert not list(tmp_path.glob("1/from-*")), "there was none before it"


def test_each_of_the_last_eight_releases_leads_to_the_newest(keys, tmp_path) -> None:
    releases = [
        add(tmp_path, keys, [module("a", f"a{seq}"), module(f"only{seq}", "x"), module("c", "c")])
        for seq in range(1, 11)
    ]
    newest = releases[-1]
    found = sorted(int(path.name[5:]) for path in tmp_path.glob("10/from-*"))
    assert found == list(range(2, 10))
    kid, key = key_folder.newest(keys)
    for seq in found:
        data = (tmp_path / f"10/from-{seq}").read_bytes()
        length = int.from_bytes(data[5:7], "big")
        body = data[7 : 7 + length]
        assert data[4] == kid and f"base {releases[seq - 1].digest}\n".encode() in body
        assert f"result {newest.digest}\n".encode() in body
        assert applied(releases[seq - 1], body) == newest.digest
        assert body.count(b"\n+ ") == 2 and f"\n- only{seq}\n".encode() in body


def test_a_board_that_is_provisioned_anew_has_rejected_nothing(keys, tmp_path) -> None:
    add(tmp_path, keys, [module("a", "a1")])
    provision.node_key(tmp_path, keys, "field-7")
    given = provision.of_release(tmp_path, keys, "field-7", "a")
    assert dict(given.nvs)["ota_bad"] == dict(given.nvs)["ota_failed"] == 0
    assert given.nvs[-1][0] == "ota", "the slot runs when all else is written"


def test_a_node_downloads_the_list_and_what_has_other_content(keys, tmp_path) -> None:
    add(tmp_path, keys, [module("a", "a1"), module("b", "b" * 100)])
    modules = [module("a", "a2" * 10), module("b", "b" * 100)]
    release = sets.following(store.read(tmp_path, 1), modules, 2)
    [step] = store.steps(tmp_path, release, keys)
    assert [each.name for each in step.content] == ["a"]
    assert step.download_bytes == len(step.envelope) + 20


def test_private_keys_stay_away_and_device_keys_are_readable_by_their_owner_only(
    keys, tmp_path
) -> None:
    add(tmp_path, keys, [module("a", "a1")])
    files = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*")}
    assert not [name for name in files if name.endswith(".pem")]
    node = files["nodes/field-7.key"]
    assert stat.S_IMODE(node.stat().st_mode) == 0o600
    assert bytes.fromhex(node.read_text()) == key_folder.device_key(keys, "field-7")
    assert (tmp_path / "keys").read_bytes() == (keys / "keys").read_bytes()


def test_a_roll_out_that_was_edited_stays(keys, tmp_path) -> None:
    add(tmp_path, keys, [module("a", "a1")])
    assert "share = 100" in (tmp_path / "rollout.toml").read_text()
    (tmp_path / "rollout.toml").write_text("share = 10\n")
    add(tmp_path, keys, [module("a", "a2")])
    assert (tmp_path / "rollout.toml").read_text() == "share = 10\n"


def test_half_of_a_release_does_not_show(keys, tmp_path, monkeypatch) -> None:
    add(tmp_path, keys, [module("a", "a1")])

    def broken(self: Path, target: Path) -> Path:
        raise OSError("the power failed")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", broken)
        with pytest.raises(OSError, match="the power failed"):
            add(tmp_path, keys, [module("a", "a2")])
    assert store.numbers(tmp_path) == [1]
    assert add(tmp_path, keys, [module("a", "a3")]).seq == 2
    assert store.numbers(tmp_path) == [1, 2]


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("1/set", b"set 1\nseq 2\nsec 0\ntrial 3 24\n", "1/set: is no list of release 1"),
        ("1/set", b"", "1/set: is no list of release 1"),
        (f"objects/{address(b'a1')}", b"a2", "is not the content of a"),
        (f"sources/{address(b'a1')}", None, "the source of a is not there"),
    ],
)
def test_damage_is_told(path, content, said, keys, tmp_path) -> None:
    add(tmp_path, keys, [module("a", "a1")])
    if content is None:
        (tmp_path / path).unlink()
    else:
        (tmp_path / path).write_bytes(content)
    with pytest.raises(store.StoreTrouble, match=said):
        store.emulate(tmp_path, store.read(tmp_path, 1))


def test_a_list_that_no_node_would_take_is_refused(keys, tmp_path) -> None:
    long = [module(f"sensors.{'x' * 30}{at}", "1" * 9) for at in range(190)]
    add(tmp_path, keys, long)
    changed = [
        Module(each.name, "mpy", b"2" * 9, b"", frozenset(other.name for other in long[:5]))
        for each in long
    ]
    release = sets.following(store.read(tmp_path, 1), changed, 2)
    with pytest.raises(store.StoreTrouble, match="bytes to list; allowed: 32768"):
        store.steps(tmp_path, release, keys)


def test_a_copy_has_what_a_node_needs_and_nothing_that_leads_to_it(keys, tmp_path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    add(one, keys, [module("a", "a1"), module("b", "b1")])
    release = add(one, keys, [module("a", "a2"), module("b", "b1")])
    store.copy(one, other, release)
    shutil.rmtree(one)
    assert store.read(other, 2) == release
    assert [store.content(other, each) for each in release.components] == [b"a2", b"b1"]
    assert [path.name for path in (other / "2").iterdir()] == ["set"]


def test_the_manifest_of_a_release_says_for_which_boards_it_is() -> None:
    body = Manifest(2, "*", "0" * 64, ()).body.decode()
    assert "board GPy FiPy\n" in body and "fw 1.20.2.r0 1.21\n" in body and "mpy 4 2 31\n" in body
