"""./dev keys: what it writes, who may read it, and that no key is ever overwritten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from devkit.cli import main
from devkit.release import keys
from devkit.release.format import key_file, modulus

NODE = "kCsQxGOU"


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder of keys with one node."""
    made = tmp_path / "keys"
    assert main(["keys", "new", str(made)]) == 0
    assert main(["keys", "node", str(made), NODE]) == 0
    told = [Path(line) for line in capsys.readouterr().out.splitlines() if "Next" not in line]
    assert all(file.is_file() for file in told) and len(told) == 5
    return made


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_secrets_are_readable_by_their_owner_only_and_unknown_to_git(folder):
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*")}
    secret = {"root.pem", "release-1.pem", f"{NODE}.key"}
    assert {name for name, mode in modes.items() if mode == 0o600} == secret
    assert {name for name, mode in modes.items() if mode == 0o700} == {"nodes"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    assert sorted(set(modes) - secret) == [".gitignore", "keys", "nodes", "root.pub"]


def test_a_key_that_others_can_read_is_warned_of(folder, capsys):
    (folder / "release-1.pem").chmod(0o644)
    (folder / "nodes" / f"{NODE}.key").chmod(0o640)
    for arguments in (["keys", "node", str(folder), "other"], ["keys", "rotate", str(folder)]):
        assert main(arguments) == 0
        [line] = capsys.readouterr().err.splitlines()
        first = folder / "nodes" / f"{NODE}.key"
        assert line == (
            f"./dev keys: warning: {first}, and 1 more: mode 640; allowed: 600, only the owner"
        )
    for name in ("release-1.pem", f"nodes/{NODE}.key"):
        (folder / name).chmod(0o600)
    assert keys.exposed(folder) is None


def test_what_it_writes_is_what_others_read(folder):
    kid, key = keys.newest(folder)
    assert kid == 1 and key.key_size == 3072
    assert key.public_key().public_numbers().e == 65537
    assert keys.read_key_file(folder) == (1, {1: modulus(key)})
    assert len(keys.root_modulus(folder)) == 384
    assert len(keys.device_key(folder, NODE)) == 32
    assert main(["keys", "node", str(folder), "other"]) == 0
    assert keys.device_key(folder, "other") != keys.device_key(folder, NODE)


@pytest.mark.parametrize(("arguments", "status"), [
    (["new", "DIR"], 1),
    (["node", "DIR", NODE], 1),
    (["node", "DIR", "../x"], 2),
    (["node", "DIR", ""], 2),
    (["node", "DIR", "x" * 64], 2),
    (["node", "DIR/nodes", "x"], 1),
    (["rotate", "DIR/nodes"], 1),
    (["rotate", "DIR/missing"], 1),
    (["new", "DIR/keys"], 1),
])  # fmt: skip
def test_a_refusal_writes_nothing_and_says_why_in_one_line(folder, capsys, arguments, status):
    before = contents(folder)
    assert main(["keys", *[word.replace("DIR", str(folder)) for word in arguments]]) == status
    [line] = capsys.readouterr().err.splitlines()
    assert any(word in line for word in ("allowed: ", "is there already"))
    assert contents(folder) == before


def test_rotation_keeps_the_key_before_and_retirement_none(folder, capsys):
    moduli = {1: modulus(keys.newest(folder)[1])}
    for version, more, kids in ((2, [], [1, 2]), (3, [], [2, 3]), (4, ["--retire"], [4])):
        capsys.readouterr()
        before = contents(folder)
        assert main(["keys", "rotate", str(folder), *more]) == 0
        now = keys.read_key_file(folder)
        kid, key = keys.newest(folder)
        moduli[kid] = modulus(key)
        assert now == (version, {each: moduli[each] for each in kids})
        assert kid == max(kids)
        told = capsys.readouterr().out
        assert f"Key file {version} names " + " and ".join(f"release-{k}" for k in kids) in told
        changed = {file.name for file, old in before.items() if file.read_bytes() != old}
        assert changed == {"keys"}
        assert not (folder / "keys.new").exists()


def test_a_rotation_that_was_interrupted_can_be_repeated(folder):
    (folder / "release-2.pem").write_bytes(b"")
    (folder / "keys.new").write_bytes(b"half")
    made, now = keys.rotate(folder)
    assert made.name == "release-3.pem"
    assert list(now.moduli) == [1, 3]


# Each digit of 16 bits counts from the end of the number; 192 of them are a modulus
DIGIT = b"\xff\xff"


@pytest.mark.parametrize(("found", "vetted"), [
    (b"\x80" + 383 * b"\x55", True),
    (b"\x7f" + 383 * b"\x55", False),
    (b"\x80" + 382 * b"\x55", False),
    (b"\x80" + 384 * b"\x55", False),
    (DIGIT + 382 * b"\x55", False),
    (382 * b"\x95" + DIGIT, False),
    (190 * b"\x95" + DIGIT + 192 * b"\x95", False),
    (191 * b"\x95" + DIGIT + 191 * b"\x95", True),  # across two digits
])  # fmt: skip
def test_moduli_are_vetted_by_top_bit_and_aligned_digits(found, vetted):
    assert keys.is_vetted(found) == vetted


def test_keys_are_made_until_one_is_vetted(monkeypatch):
    drawn = []

    def vetted(found: bytes) -> bool:
        drawn.append(found)
        return len(drawn) == 3

    monkeypatch.setattr(keys, "is_vetted", vetted)
    assert modulus(keys.rsa_key()) == drawn[-1]
    assert len(set(drawn)) == 3


def swap_roots(folder: Path) -> str:
    (folder / "root.pub").write_bytes(modulus(keys.rsa_key()))
    return "is no key file of this root key"


def swap_releases(folder: Path) -> str:
    (folder / "release-1.pem").write_bytes((folder / "root.pem").read_bytes())
    return "release-1.pem: is not key 1 of"


def lose_the_release_key(folder: Path) -> str:
    (folder / "release-1.pem").unlink()
    return "release-1.pem: not there"


def damage_the_release_key(folder: Path) -> str:
    (folder / "release-1.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    return "release-1.pem: is no private key"


def damage_the_root(folder: Path) -> str:
    file = folder / "root.pub"
    file.write_bytes(b"\xff\xff" + file.read_bytes()[2:])
    return "root.pub: boards refuse this modulus"


def cut_the_key_file(folder: Path) -> str:
    (folder / "keys").write_bytes((folder / "keys").read_bytes()[:-1])
    return "is no key file of this root key"


def change_the_key_file(folder: Path) -> str:
    root = keys.rsa_key()
    (folder / "keys").write_bytes(key_file(9, {1: modulus(root)}, root))
    return "is no key file of this root key"


@pytest.mark.parametrize("damage", [
    swap_roots, swap_releases, lose_the_release_key, damage_the_release_key, damage_the_root,
    cut_the_key_file, change_the_key_file,
], ids=lambda damage: damage.__name__)  # fmt: skip
def test_nothing_is_signed_with_a_folder_that_does_not_fit_together(folder, damage):
    said = damage(folder)
    with pytest.raises(keys.KeyTrouble, match=said):
        keys.newest(folder)
