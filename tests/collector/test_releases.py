"""What is read from a folder of releases, and which nodes a roll-out includes."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.updates import releases
from collector.updates.releases import Releases, Rollout
from tests.collector.releases_rig import KEY, Folder, address, envelope


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "REREAD_S", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "RELEASES", "gate", "roof")


@pytest.fixture
def said() -> list[tuple[str, bool]]:
    return []


@pytest.fixture
def found(folder: Folder, said: list[tuple[str, bool]]) -> Releases:
    return Releases(folder.path, lambda text, ok: said.append((text, ok)))


def target(found: Releases, running: int, node: str = "gate") -> int | None:
    envelope = found.target(node, running)
    return envelope.seq if envelope else None


def test_the_newest_release_that_fits_what_a_node_runs_is_its_target(
    folder: Folder, found: Releases
) -> None:
    folder.release(1)
    assert target(found, 1) is None
    folder.release(2, 1)
    folder.release(9, 1, 2)
    folder.release(10, 2, 9)
    assert {running: target(found, running) for running in (0, 1, 2, 3, 9, 10, 11)} == {
        0: None, 1: 9, 2: 10, 3: None, 9: 10, 10: None, 11: None,
    }  # fmt: skip
    given = found.target("gate", 9)
    assert given is not None and given.content.data == envelope(10, 9)
    assert found.has(1) and found.has(10) and not found.has(3)


def test_a_node_without_a_key_gets_none(folder: Folder, found: Releases) -> None:
    folder.release(7, 6)
    assert target(found, 6) == 7
    assert target(found, 6, "stranger") is None
    assert found.device_key("gate") == KEY


@pytest.mark.parametrize("node", ["../gate", "x/../gate", "gate.key", "", ".", "GATE", "gate\0"])
def test_the_key_of_a_node_is_found_by_its_name_alone(found: Releases, node: str) -> None:
    assert found.device_key(node) is None


@pytest.mark.parametrize("text", ["", "00", KEY.hex() + "00", "g" * 64, "ä" * 64, "0" * 5000])
def test_a_key_that_is_none_is_not_used(folder: Folder, found: Releases, text: str) -> None:
    (folder.path / "nodes/roof.key").write_text(text, encoding="utf-8")
    assert found.device_key("roof") is None


DAMAGED = {
    "cut": envelope(7, 6)[:-1],
    "empty": b"",
    "longer": envelope(7, 6) + b"\0",
    "of another kind": b"PYK1" + envelope(7, 6)[4:],
    "too long": envelope(7, 6, 65_535 - 7 - 384 + 1),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_an_envelope_that_is_not_whole_is_not_offered(
    folder: Folder, found: Releases, case: str
) -> None:
    folder.release(7)
    path = folder.path / "7/from-6"
    path.write_bytes(DAMAGED[case])
    assert target(found, 6) is None
    path.write_bytes(envelope(7, 6, 65_535 - 7 - 384))  # now it is written
    assert target(found, 6) == 7


def test_names_that_are_no_numbers_are_no_releases(folder: Folder, found: Releases) -> None:
    for name in ("0", "07", "262144", "7a", "-7", "１"):
        (folder.path / name).mkdir()
        (folder.path / name / "from-6").write_bytes(envelope(7, 6))
    folder.release(5)
    for name in ("from-04", "from-4x", "from-", "from-0"):
        (folder.path / "5" / name).write_bytes(envelope(5, 4))
    assert [target(found, running) for running in (0, 4, 6)] == [None] * 3


def test_contents_are_found_by_their_address(folder: Folder, found: Releases) -> None:
    component = bytes(5_000)
    folder.release(7, 6)
    keys = folder.keys(3)
    folder.add(component)
    assert found.key_version == 3
    for data in (component, keys, envelope(7, 6)):
        content = found.content(address(data))
        assert content is not None and content.data == data


@pytest.mark.parametrize(
    "wanted",
    ["", "../keys", "..", "AAAAAAAA", "/etc/pas", "a" * 9, "a" * 7, "AAAA.AAA", "aaaaaaa\n"],
)
def test_nothing_else_is_found(folder: Folder, found: Releases, wanted: str) -> None:
    folder.keys(3)
    assert found.content(wanted) is None


def test_a_damaged_or_large_content_is_not_served(folder: Folder, found: Releases) -> None:
    damaged, large = folder.add(b"component"), folder.add(bytes(65_537))
    (folder.path / "objects" / damaged).write_bytes(b"componenT")
    assert found.content(damaged) is None and found.content(large) is None
    folder.add(b"component")
    assert found.content(damaged) is not None


def test_many_contents_do_not_fill_the_memory(folder: Folder, found: Releases) -> None:
    addresses = [folder.add(bytes((number,))) for number in range(100)]
    for wanted in addresses * 2:
        content = found.content(wanted)
        assert content is not None and content.address == wanted
    assert len(found._folder.objects) <= releases.OBJECTS_MAX


def test_a_share_includes_that_part_of_the_fleet_and_grows() -> None:
    nodes = [f"node{number}" for number in range(5_000)]
    before: set[str] = set()
    for share in (0.0, 0.5, 1.0, 10.0, 50.0, 100.0):
        included = {node for node in nodes if Rollout(share).includes(node, 7)}
        assert before <= included
        assert abs(len(included) / 50 - share) < 2.5
        before = included
    assert len(before) == 5_000 and not any(Rollout(0).includes(node, 7) for node in nodes)


def test_another_release_begins_with_other_nodes() -> None:
    nodes = [f"node{number}" for number in range(5_000)]
    seven, eight = ({n for n in nodes if Rollout(10).includes(n, seq)} for seq in (7, 8))
    assert len(seven & eight) < 100  # 50 by chance


def test_the_roll_out_is_read_again_when_it_changes(folder: Folder, found: Releases) -> None:
    folder.release(7, 6)
    assert target(found, 6) == 7 and found.stop_above == 0.1
    folder.roll_out("share = 0\nstop_above = 0.25\n")
    assert target(found, 6) is None and found.stop_above == 0.25
    folder.roll_out("share = 100.0\n")
    assert target(found, 6) == 7 and found.stop_above == 0.1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("share = 101", "share = 101; allowed: share = 0 to 100, stop_above = 0 to 1"),
        ("share = -1", "share = -1"),
        ("share = true", "share = True"),
        ("share = nan", "share = nan"),
        ("share = '5'", "share = 5"),
        ("stop_above = 1.1", "stop_above = 1.1"),
        ("speed = 5", "speed = 5"),
        ("share = ", "Invalid value"),
        ("\x00", "rollout.toml: "),
    ],
)
def test_a_wrong_roll_out_offers_nothing_and_says_so_once(
    folder: Folder, found: Releases, said: list[tuple[str, bool]], text: str, reason: str
) -> None:
    folder.release(7, 6)
    folder.roll_out(text)
    assert target(found, 6) is None
    found.look()
    found.look()
    [(problem, ok)] = said
    assert reason in problem and problem.endswith("; nothing is offered") and not ok
    folder.roll_out("share = 100")
    assert target(found, 6) == 7
    found.look()
    assert said[1:] == [("offers release 7 to 100 % of the nodes", True)]


def test_what_is_offered_is_told_at_the_first_look_and_when_it_changes(
    folder: Folder, found: Releases, said: list[tuple[str, bool]]
) -> None:
    def told() -> list[str]:
        found.look()
        texts = [text for text, _ in said]
        said.clear()
        return texts

    folder.release(6)
    assert told() == ["offers nothing: no release has an envelope yet"]
    folder.release(7, 6)
    assert told() == ["offers release 7 to 100 % of the nodes"]
    folder.add(b"component")
    folder.roll_out("share = 100\nstop_above = 0.2\n")
    assert told() == []
    folder.roll_out("share = 2.5")
    assert told() == ["offers release 7 to 2.5 % of the nodes"]


def test_a_folder_is_one_of_releases(folder: Folder, found: Releases) -> None:
    assert not found.is_one()  # without content
    folder.keys(1)
    assert found.is_one()
    (folder.path / "root.pem").touch()  # that of ./dev keys has a key file, too
    assert not found.is_one()
    folder.release(1)
    assert found.is_one()


def test_a_folder_that_goes_and_comes_is_no_trouble(folder: Folder, found: Releases) -> None:
    folder.release(7, 6)
    assert target(found, 6) == 7
    away = folder.path.with_name("away")
    folder.path.rename(away)
    assert target(found, 6) is None and not found.has(7)
    away.rename(folder.path)
    assert target(found, 6) == 7


def test_a_look_takes_no_longer_with_many_releases(
    folder: Folder, found: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seq in range(1, 41):
        folder.release(seq, *range(max(1, seq - 8), seq))
    assert [target(found, running) for running in (1, 32, 39)] == [9, 40, 40]
    looked: list[Path] = []
    look = releases._stat
    monkeypatch.setattr(releases, "_stat", lambda path: looked.append(path) or look(path))
    found.has(1)
    assert len(looked) == 3 + 40 + 8 * 8
    (folder.path / "9/from-1").unlink()  # an old one can be withdrawn
    assert target(found, 1) == 8


def test_the_folder_is_not_looked_at_more_than_once_a_second(
    folder: Folder, found: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "REREAD_S", 1.0)
    now_s = 5.0
    monkeypatch.setattr(releases.time, "monotonic", lambda: now_s)
    assert target(found, 6) is None
    folder.release(7, 6)
    now_s = 5.9
    assert target(found, 6) is None
    now_s = 6.0
    assert target(found, 6) == 7
