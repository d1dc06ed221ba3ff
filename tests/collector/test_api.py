"""What the API answers: the overview, a node, series with gaps, CSV, metrics."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import parser

from collector.web import labels, metrics, queries, series
from tests.collector.web_rig import NOW, Site, numbered, site

HOSTILE = "<img src=x>\"\\'; DROP TABLE node; --%_!\n"
DAY = 86_400


@pytest.fixture
def at(where: str) -> Iterator[Site]:
    with site(where) as found:
        yield found


def watch(at: Site, base: str, **columns: Any) -> None:
    names, values = ["node", "checked", *columns], [NOW, *columns.values()]
    at.execute(
        f"INSERT INTO watch ({', '.join(names)}) SELECT id, {queries.marks(values)}"
        " FROM node WHERE base = ?", *values, base,
    )  # fmt: skip


def rename(at: Site, node: str, to: str) -> None:
    """Give a node a name that no report can have."""
    at.execute("UPDATE node SET base = ? WHERE base = ?", to + ":", node + ":")


def names(found: Any) -> list[str]:
    return [each["node"] for each in found["nodes"]]


# The overview


def test_each_node_with_its_state_and_figures(at: Site) -> None:
    at.keep(numbered(1, "gate:", t=20, rp=-95, rq=-10.5, rl=6), received=NOW - 100)
    at.keep(numbered(1, "mast:", rs=-70, sn=9), received=NOW - 1_500)
    at.keep(numbered(1, "roof:"), numbered(1, "tank:"), received=NOW - DAY)
    watch(at, "gate:", period=900, battery=3.91, trend=-0.01, lost=2)
    watch(at, "mast:", period=900)
    watch(at, "tank:", muted=NOW + 999)
    at.execute("INSERT INTO node (base, seen, protocol, source) VALUES ('well:', 0, '', '')")
    at.execute("INSERT INTO alarm (node, kind, text, since) SELECT id, 'silent', '', ? FROM node"
               " WHERE base = 'roof:'", NOW)  # fmt: skip
    found = at.json("/api/nodes")
    assert found["counts"] == {"ok": 1, "late": 1, "silent": 1, "never": 1, "muted": 1}
    assert (found["total"], found["page"], found["pages"]) == (5, 1, 1)
    states = [(each["node"], each["state"], each["alarms"]) for each in found["nodes"]]
    assert states == [("gate", "ok", 0), ("mast", "late", 0), ("roof", "silent", 1),
                      ("tank", "muted", 0), ("well", "never", 0)]  # fmt: skip
    gate, mast, *_, well = found["nodes"]
    assert gate | {"state": "", "alarms": 0} == {
        "node": "gate", "state": "", "seen": NOW - 100, "period": 900, "battery": 3.91,
        "trend": -0.01, "lost": 2, "release": 6, "offered": None, "progress": None, "rsrp": -95,
        "rsrq": -10.5, "rssi": None, "snr": None, "alarms": 0,
    }  # fmt: skip
    assert (mast["rssi"], mast["snr"], well["seen"]) == (-70, 9, None)
    assert names(at.json("/api/nodes", state="late")) == ["mast"]
    assert names(at.json("/api/nodes", sort="state")) == ["roof", "mast", "well", "gate", "tank"]


def test_in_each_state_the_nodes_with_an_alarm_come_first(at: Site) -> None:
    at.keep(*(numbered(1, f"{name}:") for name in "abc"), received=NOW)
    at.keep(numbered(1, "d:"), received=NOW - 2 * DAY)
    at.execute("INSERT INTO alarm (node, kind, text, since) SELECT id, 'gaps', '', ? FROM node"
               " WHERE base = 'b:'", NOW)  # fmt: skip
    assert "".join(names(at.json("/api/nodes", sort="state"))) == "dbac"


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("node", "abc"), ("-node", "cba"), ("battery", "bac"), ("-battery", "abc"),
        ("signal", "acb"), ("-signal", "bca"), ("seen", "abc"), ("-seen", "cba"),
        ("release", "cab"), ("lost", "cab"), ("-trend", "bac"),
    ],
)  # fmt: skip
def test_what_is_unknown_stands_last_in_any_order(at: Site, sort: str, order: str) -> None:
    figures = {"a": {"rp": -120}, "b": {"rs": -60}, "c": {"rp": -80, "rl": 6}}
    for number, (base, values) in enumerate(figures.items()):
        at.keep(numbered(1, base + ":", **values), received=NOW - 60 + number)
    watch(at, "a:", battery=4.0)
    watch(at, "b:", battery=3.5, trend=0.1)
    watch(at, "c:", lost=3)
    assert "".join(names(at.json("/api/nodes", sort=sort))) == order


def test_a_hundred_nodes_a_page(at: Site) -> None:
    at.keep(*[numbered(1, f"n{number:03}:") for number in range(205)])
    pages = [at.json("/api/nodes", page=page) for page in (1, 2, 3, 4)]
    assert [len(page["nodes"]) for page in pages] == [100, 100, 5, 0]
    assert names(pages[2]) == [f"n{number}" for number in range(200, 205)]
    assert pages[0]["total"] == 205 and pages[0]["pages"] == 3
    found = at.json("/api/nodes", search="N01")
    assert (found["total"], found["pages"], len(found["nodes"])) == (10, 1, 10)
    assert found["counts"]["ok"] == 205


def test_a_search_is_a_part_of_a_name_and_nothing_else(at: Site) -> None:
    at.keep(numbered(1, "gate:"), numbered(1, "a_b:"), numbered(1, "50:"), numbered(1, "x:"))
    rename(at, "50", "50%é!")
    rename(at, "x", HOSTILE)
    for search, found in {
        "AT": ["gate"], "_": [HOSTILE, "a_b"], "%": ["50%é!", HOSTILE], "é": ["50%é!"],
        HOSTILE: [HOSTILE], "\\": [HOSTILE], "'": [HOSTILE], "\0": [], "y" * 3_000: [],
    }.items():  # fmt: skip
        assert sorted(names(at.json("/api/nodes", search=search))) == sorted(found), search
    assert at.get("/api/nodes", search="y" * 5_000).status == 400
    assert at.json("/api/node", node=HOSTILE)["node"] == HOSTILE


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/nodes?state=up", "allowed: ok, late, silent, never, muted"),
        ("/api/nodes?sort=base", "allowed: node, seen,"), ("/api/nodes?page=0", "from 1 up"),
        ("/api/nodes?page=x", "a number"), ("/api/node", "allowed: node=TEXT"),
        ("/api/series?node=a", "allowed: name=TEXT"), ("/api/series?node=a&name=t&to=nan", "numb"),
        ("/api/series?node=a&name=t&from=5&to=5", "from is not before to"),
        ("/api/csv?node=a" + "&name=t" * 60, "allowed: 50"), ("/api/alarms?page=1.5", "from 1"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named_with_what_is_allowed(
    at: Site, path: str, allowed: str
) -> None:
    answer = at.get(path)
    assert answer.status == 400 and allowed in answer.json["error"]


@pytest.mark.parametrize("path", ["node?", "series?name=t&", "gaps?", "csv?"])
def test_an_unknown_node_is_not_found(at: Site, path: str) -> None:
    for node in ("none", "%00", "", "%ff%fe"):
        assert at.get(f"/api/{path}node={node}").status == 404


# A node


def test_a_node_has_measurements_in_words_before_its_own_figures(at: Site) -> None:
    pack = numbered(7, t=21.5, open=True, note=HOSTILE, t_e="crc", aw=5_000, rl=6, ch="x.py")
    at.keep(pack, numbered(6, measured=NOW - 900, t=20.0), received=NOW - 5)
    at.execute(
        "INSERT INTO refused (received, protocol, source, reason) VALUES (?, 'coap',"
        " '192.0.2.7:9', 'bad'), (?, 'coap', '192.0.2.77:9', 'other')", NOW, NOW,
    )  # fmt: skip
    at.execute("INSERT INTO alarm (node, kind, text, since) SELECT id, 'battery', 'low', ?"
               " FROM node", NOW)  # fmt: skip
    found = at.json("/api/node", node="gate")
    shown = [(each["name"], each["label"], each["value"], each["unit"], each["shown"])
             for each in found["measurements"]]  # fmt: skip
    assert shown == [
        ("note", "note", None, None, queries.packs.printable(HOSTILE)),
        ("open", "open", True, None, "true"), ("t", "temperature", 21.5, "Cel", "21.5"),
        ("t_e", "temperature: cause", None, None, "crc"),
    ]  # fmt: skip
    assert [(each["name"], each["label"], each["unit"]) for each in found["figures"]] == [
        ("aw", "time awake", "ms"), ("ch", "changed by hand", None), ("rl", "release", None),
    ]  # fmt: skip
    [temperature] = [each for each in found["measurements"] if each["name"] == "t"]
    assert (temperature["seq"], temperature["count"], temperature["measured"]) == (7, 2, NOW - 5)
    assert (found["source"], found["protocol"], found["seq"]) == ("192.0.2.7:5683", "coap", 7)
    assert (
        found["muted"] is None
        and found["fleet"]["release"] == 6
        and found["fleet"]["changed"] == "x.py"
    )
    assert [each["reason"] for each in found["refused"]] == ["bad"]
    assert [(each["kind"], each["text"], each["until"]) for each in found["alarms"]] == [
        ("battery", "low", None)
    ]


def test_names_are_words_where_they_are_known() -> None:
    for name, unit, words in [
        ("rp", "dBm", "RSRP, signal power"), ("t2", "Cel", "temperature 2"),
        ("co2_2", "ppm", "CO2 2"), ("co2", "ppm", "CO2"), ("roof.t", "Cel", "roof: temperature"),
        ("roof.x", None, "roof.x"), ("w", "kg", "weight"), ("w", "W", "power"), ("x9", "", "x9"),
        ("_e", None, "_e"), ("", None, ""), ("h_e", None, "humidity: cause"),
    ]:  # fmt: skip
        assert labels.label(name, unit) == words


# Series and gaps


def test_a_series_has_late_reports_in_their_place_and_breaks_where_reports_are_missing(
    at: Site,
) -> None:
    for seq in (1, 2, 5, 6):  # 3 and 4 are lost
        at.keep(numbered(seq, t=20.0 + seq), received=NOW - 9_000 + 900 * seq)
    at.keep(numbered(7, measured=NOW - 2_700, t=27.0), received=NOW - 10)  # out of the journal
    at.keep([{-2: "gate:", 2: 8}, {0: "tu", 4: True}, {0: "t", 1: "Cel", 2: 99}])  # no time
    watch(at, "gate:", period=900)
    found = at.json("/api/series", node="gate", name="t", **{"from": NOW - DAY, "to": NOW})
    assert found["mean"] == [21, 22, None, 25, 26, 27] == found["min"] == found["max"]
    assert found["count"] == [1, 1, 0, 1, 1, 1]
    times = [NOW - 8_100, NOW - 7_200, NOW - 5_850, NOW - 4_500, NOW - 3_600, NOW - 2_700]
    assert found["times"] == times
    assert (found["label"], found["unit"], found["step"]) == ("temperature", "Cel", 116)
    lost = {"from": NOW - 7_200, "to": NOW - 4_500, "missing": 2}
    assert at.json("/api/gaps", node="gate", **{"from": NOW - DAY, "to": NOW}) == [lost]
    at.keep(numbered(3, measured=NOW - 6_300, t=23.0), numbered(4, measured=NOW - 5_400, t=24.0))
    found = at.json("/api/series", node="gate", name="t", **{"from": NOW - DAY, "to": NOW})
    assert found["mean"] == [21, 22, 23, 24, 25, 26, 27]
    assert at.json("/api/gaps", node="gate") == []


def test_a_report_of_long_ago_that_comes_now_makes_no_gap_of_what_is_between(at: Site) -> None:
    packs = [numbered(seq) for seq in range(10, 60)]
    at.keep(*packs, received=NOW - 50 * DAY, every_s=DAY)
    at.keep(numbered(9, measured=NOW - 51 * DAY))
    for days in (2, 20, 300):
        assert at.json("/api/gaps", node="gate", **{"from": NOW - days * DAY}) == []


def test_a_silence_without_a_missing_number_is_a_gap_too(at: Site) -> None:
    for seq, hours in enumerate([10, 9, 8, 3, 2]):  # it was off for five hours
        at.keep(numbered(seq), received=NOW - hours * 3_600)
    watch(at, "gate:", period=3_600)
    since = {"from": NOW - DAY}
    assert at.json("/api/series", node="gate", name="t", **since)["count"] == [1, 1, 1, 0, 1, 1]
    five_hours = {"from": NOW - 8 * 3_600, "to": NOW - 3 * 3_600, "missing": 0}
    assert at.json("/api/gaps", node="gate", **since) == [five_hours]
    at.execute("UPDATE watch SET period = 1000")
    still = {"from": NOW - 7_200, "to": None, "missing": None}
    assert at.json("/api/gaps", node="gate", **since)[-1] == still
    assert at.json("/api/gaps", node="gate", **since, to=NOW - DAY / 2) == []


def test_a_name_that_is_not_in_each_report_is_still_a_line(at: Site) -> None:
    packs = [numbered(seq, **({"t": 1.0} if seq % 8 else {"aw": seq})) for seq in range(40)]
    at.keep(*packs, received=NOW - 40_000, every_s=900)
    watch(at, "gate:", period=900)
    assert at.json("/api/series", node="gate", name="aw")["mean"] == [0, 8, 16, 24, 32]


def test_a_long_range_is_mean_minimum_and_maximum_of_its_parts(at: Site) -> None:
    packs = [numbered(seq, t=seq) for seq in range(200)]
    at.keep(*packs, received=NOW - 200_000, every_s=1_000)
    asked = {"node": "gate", "name": "t", "from": NOW - 200_000, "to": NOW, "points": 20}
    found = at.json("/api/series", **asked)
    assert found["step"] == 10_000 and found["count"] == [10] * 20
    assert found["min"] == list(range(0, 200, 10)) and found["max"][0] == 9
    assert found["mean"][:2] == [4.5, 14.5] and found["times"][0] == NOW - 195_500
    for points, most in ((1, 10), (10**9, series.POINTS_MAX)):
        found = at.json("/api/series", **asked | {"points": points})
        assert len(found["times"]) <= most + 1


def test_values_of_another_unit_boot_or_kind_are_not_mixed_up(at: Site) -> None:
    at.keep([{-2: "g:", 2: 1}, {0: "t", 1: "K", 2: 290}], received=NOW - 500)
    at.keep([{-2: "g:", 2: 2}, {0: "t", 1: "Cel", 2: 20}, {0: "t", 1: "Cel", 2: 21}],
            received=NOW - 400)  # fmt: skip
    at.keep([{-2: "g:", 2: 0}, {0: "bo", 2: 77}, {0: "t", 1: "Cel", 2: 22}], received=NOW - 300)
    at.keep([{-2: "g:", 2: 1}, {0: "t", 3: "text"}, {0: "on", 4: True}, {0: "e", 5: 2.5}])
    for asked, mean in [
        ({"name": "t"}, [20.5, 22]), ({"name": "t", "unit": "K"}, [290]), ({"name": "x"}, []),
        ({"name": "t", "unit": ""}, []), ({"name": "on"}, [1]), ({"name": "e"}, [2.5]),
        ({"name": "\0"}, []),
    ]:  # fmt: skip
        assert at.json("/api/series", node="g", **asked)["mean"] == mean, asked


def test_a_chart_can_have_huge_numbers(at: Site) -> None:
    for seq, value in enumerate([10**299, -(10**299), 2**63 - 1, 2**63 - 1]):
        at.keep([{-2: "g:", 2: seq}, {0: "x", 2: value}], received=NOW - seq)
    found = at.json("/api/series", node="g", name="x", points=10)
    assert (found["min"], found["max"], found["count"]) == ([-1e299], [1e299], [4])


def test_what_has_no_number_is_known_by_its_arrival(at: Site) -> None:
    at.keep([{0: "gate:t", 2: 20}], received=NOW - 60)
    at.keep([{-2: "gate", 0: ":x", 2: 20}], received=NOW - 60)
    assert names(at.json("/api/nodes")) == ["", "gate"]
    assert at.json("/api/node", node="")["seq"] is None
    assert at.json("/api/series", node="", name="gate:t")["mean"] == [20]
    assert at.json("/api/gaps", node="gate") == []


# CSV


def rows(at: Site, **query: Any) -> list[list[str]]:
    answer = at.get("/api/csv", **query)
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.body.decode(), newline="")))


def test_csv_of_what_is_shown_and_of_everything(at: Site) -> None:
    packs = [numbered(seq, t=seq / 2, v=4) for seq in range(3_000)]
    at.keep(*packs, received=NOW - 3_000, every_s=1)
    heads, *found = rows(at, node="gate")
    assert len(found) == 9_000 and heads[:6] == [
        "node", "name", "unit", "measured", "received", "value",
    ]  # fmt: skip
    shown = rows(at, node="gate", name=["t", "v"], **{"from": NOW - 10, "to": NOW - 9})[1:]
    assert [row[1:3] + row[5:8] for row in shown] == [
        ["t", "Cel", "1495", "0", "2990"], ["v", "V", "4", "0", "2990"],
        ["t", "Cel", "1495.5", "0", "2991"], ["v", "V", "4", "0", "2991"],
    ]  # fmt: skip
    assert shown[0][3].endswith(".000Z")


def test_csv_has_no_formulas_of_strangers(at: Site) -> None:
    texts = ["=1+1", "+1", "-1", "@x", "\tx", "1", HOSTILE]
    at.keep([{-2: "b:", 2: 1}, *[{0: "n", 3: text} for text in texts], {0: "x", 2: -1}])
    rename(at, "b", "=b")
    at.execute("UPDATE name SET name = '-n' WHERE name = 'n'")
    heads, *found = rows(at, node="=b")
    values = [row[5] for row in found[1:]]
    assert values == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "1", HOSTILE, "-1"]
    assert found[1][:2] == ["'=b", "'-n"]


def test_the_name_of_a_csv_file_is_harmless(at: Site) -> None:
    at.keep(numbered(1))
    rename(at, "gate", '../"é\r\nX: y')
    found = at.get("/api/csv", node='../"é\r\nX: y').headers
    assert found["Content-Disposition"] == (
        'attachment; filename=".._____X__y.csv";'
        " filename*=UTF-8''..%2F%22%C3%A9%0D%0AX%3A%20y.csv"
    )
    assert "X" not in found


# Status, alarms, metrics, health


def test_the_status_adds_what_the_program_says_to_the_counters_of_the_database(at: Site) -> None:
    at.said.update(version="9", endpoints=["udp://x"], counters={"not written": 2})
    at.keep(numbered(1), numbered(1))
    at.execute("INSERT INTO refused (received, protocol, source, reason) VALUES (1, 'udp', 'x',"
               " 'r')")  # fmt: skip
    found = at.json("/api/status")
    assert found["counters"]["records"] == 2 and found["counters"]["duplicates"] == 2
    assert found["counters"]["not written"] == 2 and found["endpoints"] == ["udp://x"]
    assert [each["reason"] for each in found["refused"]] == ["r"] and found["may_change"] is True


def test_alarms_the_newest_first(at: Site) -> None:
    at.keep(numbered(1))
    for number in range(130):
        at.execute("INSERT INTO alarm (node, kind, text, since, until) VALUES"
                   " ((SELECT id FROM node), 'gaps', ?, ?, ?)",
                   HOSTILE, number, None if number % 2 else number + 1)  # fmt: skip
    at.execute("INSERT INTO alarm (kind, text, since) VALUES ('nothing', 'x', 200)")
    found = at.json("/api/alarms")
    assert (found["total"], found["pages"], len(found["alarms"])) == (66, 1, 66)
    assert [each["since"] for each in found["alarms"][:3]] == [200, 129, 127]
    assert [each["node"] for each in found["alarms"][:2]] == [None, "gate"]
    assert at.json("/api/alarms", open=0)["total"] == 131
    assert len(at.json("/api/alarms", open=0, page=2)["alarms"]) == 31


def samples(at: Site) -> dict[tuple[str, str], float]:
    answer = at.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = parser.text_string_to_metric_families(answer.body.decode())
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in families for sample in family.samples
    }  # fmt: skip


def test_metrics_are_prometheus_text_whatever_names_nodes_have(
    at: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    at.keep(numbered(1), numbered(1, "mast:"), [{-2: "gate", 2: 1, 0: ":x"}])
    rename(at, "mast", HOSTILE)
    watch(at, "gate:", battery=3.9, period=900)
    at.said.update(committed=NOW - 5, waiting=3)
    found = samples(at)
    assert found["collect_messages_total", ""] == 3 and found["collect_nodes", "ok"] == 3
    assert found["collect_node_seen_timestamp_seconds", HOSTILE] == NOW
    assert found["collect_node_battery_volts", "gate"] == 3.9
    assert found["collect_messages_waiting", ""] == 3
    assert 5 <= found["collect_commit_age_seconds", ""] < 600
    assert (found["collect_alarms_open", ""], found["collect_notices_waiting", ""]) == (0, 0)
    monkeypatch.setattr(metrics, "NODES_MAX", 2)
    assert ("collect_node_battery_volts", "gate") not in samples(at)


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ({}, 200, ""), ({"waiting": 5, "committed": time.time() + 999}, 200, ""),
        ({"waiting": 0, "committed": 1.0}, 200, ""),
        ({"waiting": 5, "committed": 1.0}, 503, "messages wait"),
        ({"unwritable": True, "committed": NOW}, 503, "cannot be written"),
    ],
)  # fmt: skip
def test_health_of_an_intake(at: Site, said: dict[str, Any], status: int, reason: str) -> None:
    at.said.update(said)
    answer = at.get("/health")
    assert answer.status == status and reason in (answer.json["reason"] or "")
    assert answer.json["ok"] is (status == 200)


def test_health_without_a_database(at: Site) -> None:
    at.execute("ALTER TABLE counter RENAME TO gone")
    answer = at.get("/health")
    assert (answer.status, answer.json["reason"]) == (503, "the database does not answer")
