"""What is told of a fleet, and how often: on a virtual clock."""

from __future__ import annotations

import contextlib
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

from collector.__main__ import main
from collector.alarms import notices, watch
from collector.alarms import rules as alarms
from collector.alarms.rules import Watchman
from collector.storage import database
from tests.collector.alarms_rig import BEGIN, DAY, HOUR, Node, World, packed
from tests.collector.rig import wait_until
from tests.collector.test_notices import Webhook, config, hook, serving

ROOT = Path(__file__).resolve().parents[2]


def fleet(number: int, name: str = "n", **same: Any) -> list[Node]:
    return [Node(f"{name}{each}", **same) for each in range(number)]


def hours(at: float) -> float:
    return (at - BEGIN) / HOUR


def away(start: float, end: float = 1e9) -> Any:
    return lambda at: not start <= hours(at) < end


def test_a_silent_node_is_told_once_and_again_when_it_is_back(where: str) -> None:
    node = Node("gate", works=away(3, 6))
    world = World(where, node, *fleet(9)).run(4.5 * HOUR, 120)
    world.restart()
    world.run(3 * HOUR, 120)
    assert world.told() == ["silent: gate", "silent: gate (ended)"]
    [first, _] = world.bodies()
    assert 46 * 60 <= first["time"] - (BEGIN + 2.75 * HOUR) <= 48 * 60
    assert first["text"] == (
        "raised: silent: gate: no report since 2027-01-15 10:45 UTC, usually every 15 min"
    )
    [group] = first["changes"]
    assert (group["change"], group["kind"], group["count"]) == ("raised", "silent", 1)
    assert group["alarms"][0]["node"] == "gate"


def test_a_number_that_jumps_stops_no_alarm(where: str) -> None:
    world = World(where, Node("gate", works=away(1)), *fleet(9))
    world.receive(*(packed("x", seq, BEGIN, {"v": 3.9}) for seq in (0, 2**32 - 1)))
    world.run(3 * HOUR, 300)
    assert "silent: gate" in world.told()
    assert world.database.execute("SELECT max(lost) FROM watch") == [(2**32 - 2,)]


def test_a_clock_that_was_ahead_holds_up_nothing(where: str) -> None:
    world = World(where, Node("gate", works=away(5)), *fleet(9)).run(3 * HOUR, 300)
    world.alarms.turn(world.now + 300 * DAY)
    world.receive(*(packed(node.name, 999, world.now + 300 * DAY, {}) for node in world.nodes))
    world.alarms.turn(world.now + 300 * DAY)
    before = len(world.told())
    world.run(6 * HOUR, 300)
    assert "silent: gate" in world.told()[before:]


def test_it_is_told_again_each_day(tmp_path: Path) -> None:
    nodes = [Node("gate", works=away(2)), Node("door", works=away(3))]
    world = World(tmp_path, *nodes, *fleet(9)).run(2.5 * DAY, 600)
    assert world.told()[2:] == ["silent: 2 nodes (goes on)"] * 2


@pytest.mark.parametrize(
    ("lost", "expected"), [(0, []), (7, ["silent: 7 nodes"]), (300, ["nothing: the fleet"])]
)
def test_after_a_day_without_the_collector_only_what_stays_away_is_told(
    tmp_path: Path, lost: int, expected: list[str]
) -> None:
    nodes = fleet(300 - lost) + fleet(lost, "lost", works=away(2))
    world = World(tmp_path, *nodes).run(2 * HOUR, 300)
    world.run(DAY, 900, collects=False)
    world.restart()
    assert world.run(3 * HOUR, 120).told() == expected


def test_while_nothing_arrives_one_notice_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, *fleet(100, works=away(2, 24)))
    world.run(4 * HOUR)
    world.restart()
    world.run(21 * HOUR, 300)
    assert world.told() == ["nothing: the fleet", "nothing: the fleet (ended)"]
    [first, _] = world.bodies()
    assert first["time"] - (BEGIN + 2 * HOUR) < 25 * 60
    assert "since 2027-01-15 09:5" in first["text"]


def test_half_of_a_fleet_is_one_notice(tmp_path: Path) -> None:
    nodes = [node for pair in zip(fleet(150), fleet(150, "x", works=away(2, 5)),
                                  strict=True) for node in pair]  # fmt: skip
    world = World(tmp_path, *nodes).run(5 * HOUR, 120)
    assert world.told() == ["silent: 150 nodes"]
    [body] = world.bodies()
    assert body["text"].endswith(" and 140 more") and body["text"].count("x") == 10
    assert len(body["changes"][0]["alarms"]) == 20
    world.run(2 * HOUR, 120)
    assert 1 <= len(world.told()[1:]) <= 5  # they come back over a period
    assert all(text.endswith("(ended)") for text in world.told()[1:])


def test_a_node_that_reports_now_and_then_is_told_once_a_day(tmp_path: Path) -> None:
    node = Node("gate", works=lambda at: hours(at) < 2 or lossy(0.82)(at))
    world = World(tmp_path, node, *fleet(9)).run(3 * DAY, 600)
    assert len([text for text in world.told() if "silent: gate" in text]) <= 8


def noisy(volt: float, noise: float, slope: float = 0.0) -> Any:
    def values(at: float) -> dict[str, float]:
        drawn = random.Random(at).uniform(-noise, noise)
        return {"v": round(volt + slope * (at - BEGIN) / DAY + drawn, 3)}

    return values


def failing(fails: bool) -> dict[str, Any]:
    return {"v": 3.9, "t_e": "crc"} if fails else {"v": 3.9}


def lossy(share: float) -> Any:
    return lambda at: random.Random(at).random() >= share


@pytest.mark.parametrize(
    ("node", "days", "expected"),
    [
        (Node("a", values=noisy(3.48, 0.05)), 2, ["battery: a", "battery: a (goes on)"]),
        (Node("a", values=lambda at: {"v": 3.6 if round(hours(at) * 4) % 3 else 3.4}), 2, []),
        (Node("a", values=lambda at: {"v": 3.4 if hours(at) < 5 else 3.7}), 0.5,
         ["battery: a", "battery: a (ended)"]),
        (Node("a", 3600, values=noisy(3.8, 0.03, -0.03)), 3.9, ["falling: a"]),
        (Node("a", 3600, values=noisy(3.8, 0.03, -0.03)), 2.5, []),  # too short for a trend
        (Node("a", 3600, values=noisy(3.8, 0.03, -0.005)), 8, []),
        (Node("a", works=lossy(0.3)), 1, ["gaps: a"]),
        (Node("a", works=lossy(0.1)), 2, []),
        (Node("a", values=lambda at: failing(3 <= hours(at) < 9)), 1,
         ["cause: a", "cause: a (ended)"]),
        (Node("a", values=lambda at: failing(round(hours(at) * 4) % 4 > 0)), 2, []),
        (Node("a", values=lambda at: {"v": (-1) ** round(hours(at) * 4) * 10.0**299}), 4, []),
    ],
    ids=["battery at its limit", "battery above it", "battery charged", "falling", "short",
         "falls slowly", "gaps", "few gaps", "cause", "cause now and then", "huge"],
)  # fmt: skip
def test_figures_raise_alarms(tmp_path: Path, node: Node, days: float, expected: Any) -> None:
    world = World(tmp_path, node).run(days * DAY, 300)
    silent = [text for text in world.told() if "silent" not in text]
    assert silent == expected


def test_an_alarm_of_a_falling_battery_ends_at_a_distance() -> None:
    figures = watch.Figures(1, "a", BEGIN, 0, trend=-0.1, mean_now=5.4)  # 19 days
    limits = notices.read(None)["limits"]
    assert not alarms.conditions(figures, limits, set())
    assert list(alarms.conditions(figures, limits, {"falling"})) == ["falling"]


def test_a_limit_of_0_switches_its_kind_off(tmp_path: Path) -> None:
    off = dict.fromkeys(alarms.SWITCHES.values(), 0)
    node = Node("a", works=lossy(0.3), values=lambda at: {"v": 3 - at / 1e9, "t_e": "crc"})
    world = World(tmp_path, node, **off).run(HOUR)
    world.database.execute("INSERT INTO fleet (node, release, rejected) VALUES (1, 6, 7)")
    assert [text for text in world.run(DAY, 300).told() if "silent" not in text] == []


def test_a_release_that_is_not_applied_or_rejected_is_told(where: str) -> None:
    world = World(where, *fleet(2), Node("b"), release_days=2).run(HOUR)
    keep = (
        "INSERT INTO fleet (node, release, offered, rejected, cause)"
        " SELECT id, ?, ?, ?, ? FROM node WHERE base = ?"
    )
    world.database.execute(keep, (6, 7, None, None, "n0:"))
    world.run(1.5 * DAY, 300)
    world.restart()
    assert world.told() == []
    world.database.execute(keep, (6, None, 7, "cra\nshed", "b:"))
    world.run(0.8 * DAY, 300)
    assert world.told() == ["release: b", "release: n0"]
    assert "release 7 rejected: cra\\nshed" in world.bodies()[0]["text"]
    world.database.execute("UPDATE fleet SET release = 7, offered = NULL, rejected = NULL")
    assert world.run(HOUR).told()[2:] == ["release: n0 (ended)", "release: b (ended)"]


def test_a_muted_node_is_not_told(tmp_path: Path) -> None:
    gate = Node("gate", works=away(3),
                values=lambda at: {"v": 3.9 if hours(at) < 2 else 3.0})  # fmt: skip
    world = World(tmp_path, gate, *fleet(9)).run(2 * HOUR, 120)
    mute = "UPDATE watch SET muted = ? WHERE node = 1"
    world.database.execute(mute, (BEGIN + 7 * HOUR,))
    assert world.run(4.5 * HOUR, 120).told() == []
    assert world.database.execute("SELECT * FROM alarm") == []
    assert world.run(HOUR, 120).told() == ["silent: gate"]
    world.database.execute(mute, (BEGIN + 90 * HOUR,))
    assert world.run(2 * HOUR, 120).told() == ["silent: gate"]
    assert world.database.execute("SELECT * FROM alarm WHERE until IS NULL") == []


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([(seq, 900 * seq, 0) for seq in range(30)], 900),
        ([(seq, 900 * seq, 0) for seq in range(60) if seq % 4 != 1], 900),
        ([(2 * seq, 1800 * seq, 0) for seq in range(30)], 900),  # each second one is lost
        ([(seq, 900 * max(seq, 20), 900 * max(0, 20 - seq)) for seq in range(24)], 900),
        ([(seq, 900 * 30 + seq, 900 * (30 - seq)) for seq in range(30)], None),
        ([(seq, 3600 * (seq // 4) + 2700, 2700 - 900 * (seq % 4)) for seq in range(60)], 3600),
        ([(seq, 900 * seq + max(0, seq - 27) * 2700, 0) for seq in range(31)], 3600),
        ([(0, 0, 0), (1, 900, 0), (2, 1800, 0)], None),
    ],
    ids=["regular", "lost", "half lost", "after an outage", "all at once", "4 at a time",
         "slower now", "too few"],
)  # fmt: skip
def test_the_period_of_a_node(where: str, reports: Any, expected: float | None) -> None:
    world = World(where)
    for seq, at, age in sorted(reports, key=lambda each: each[1]):
        world.receive(packed("n", seq, BEGIN + at, {"v": 4}, age))
    [found] = watch.checked(world.database, "v", 5)
    if expected is None:
        assert found.period is None
    else:
        assert found.period == pytest.approx(expected, rel=0.02)


def test_expected_nodes_are_there_before_their_first_report(where: str) -> None:
    world = World(where, Node("n0"))
    watch.expect(world.database, ["n0", "n1", "typo"])
    world.run(HOUR)
    watch.expect(world.database, ["n1"])
    rows = world.database.execute("SELECT base, seen > 0 FROM node ORDER BY base")
    assert rows == [("n0:", 1), ("n1:", 0)]
    assert world.told() == []


def test_of_two_processes_one_sends_and_the_other_takes_over(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "TURN_S", 0.05)
    monkeypatch.setattr(alarms, "GATHER_S", 0)
    world, now = World(where), time.time()
    with serving(Webhook) as server, contextlib.ExitStack() as second:
        known = config(tmp_path, hook(server.port))
        with contextlib.ExitStack() as first:
            for stack in (first, second):
                stack.enter_context(Watchman(where, known, print))
            world.receive(*[packed("gate", seq, now, {"v": 3.0}) for seq in range(3)])
            assert wait_until(lambda: server.got)
            assert not wait_until(lambda: len(server.got) > 1, 0.5)
            with database.connect(where) as third, alarms.only_one(third, where) as is_mine:
                assert not is_mine
        world.receive(*[packed("door", seq, now, {"v": 3.0}) for seq in range(3)])
        assert wait_until(lambda: len(server.got) > 1)
    assert [body["subject"] for body, _ in server.got] == ["battery: gate", "battery: door"]


def test_a_collector_watches_and_knows_what_is_to_come(start: Any, tmp_path: Path) -> None:
    nodes, path = tmp_path / "nodes", str(tmp_path / "a.db")
    nodes.write_text("gate\ndoor\n")
    start("--db", path, "--role", "alarms", "--nodes", str(nodes))
    with database.connect(path) as connection:

        def known() -> list[tuple[str]]:
            with contextlib.suppress(database.Unusable):  # no tables yet
                return connection.execute("SELECT base FROM node WHERE seen = 0 ORDER BY base")
            return []

        assert wait_until(lambda: known() == [("door:",), ("gate:",)])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--test-alarm"], "--test-alarm: needs --alarms FILE; allowed: one with [webhook]"),
        (["--alarms", "none.toml"], "--alarms: none.toml: No such file"),
        (["--nodes", "{nodes}"], "--nodes: {nodes}: '%a'; allowed: letters, digits, -:./_"),
    ],
)
def test_wrong_options(tmp_path: Path, capsys: Any, words: list[str], expected: str) -> None:
    nodes = tmp_path / "nodes"
    nodes.write_text("gate\n%a\n")
    with pytest.raises(SystemExit) as ended:
        main([word.format(nodes=nodes) for word in words])
    assert ended.value.code == 2
    assert expected.format(nodes=nodes) in capsys.readouterr().err


def test_the_queries_of_the_documentation_run(postgres: Any) -> None:
    world = World(postgres.create(), Node("gate", values=lambda at: {"v": 3.0})).run(2 * HOUR, 300)
    text = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
    grants, series, nodes, raised = re.findall(r"^```sql\n(.*?)^```$", text, re.M | re.S)
    assert grants.startswith("CREATE ROLE") and "GRANT SELECT" in grants

    def rows(query: str) -> list[tuple[Any, ...]]:
        macro = r"\$__unixEpochFilter\((\w+)\)"
        between = rf"\1 >= {BEGIN:.0f} AND \1 <= {BEGIN + DAY:.0f}"
        return world.database.execute(re.sub(macro, between, query.replace("'t'", "'v'")))

    assert [row[1:] for row in rows(series)] == [(3, 3, 3)] * 3
    assert [(row[0], *row[2:]) for row in rows(nodes)] == [("gate:", 15, 3, None, 0)]
    assert [row[2:] for row in rows(raised)] == [("battery", "gate: battery 3.00 V; limit 3.5 V")]
