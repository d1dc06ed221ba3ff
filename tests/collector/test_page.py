"""The page in a real browser, Debian's Chromium, mostly over a made-up fleet of 130 nodes."""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright import sync_api
from playwright.sync_api import expect

from collector import arguments, sample
from collector.program import Collector
from collector.storage import database
from collector.web import queries
from devkit.servers import chromium
from tests.collector.rig import report

pytestmark = pytest.mark.long

NODES, DAYS = 130, 8
SIZE_MAX = 200_000  # bytes of a page with its data
VIEWS = ["", "?node=gate-01", "?node=gate-01&range=1y", "?view=alarms&history=all", "?view=status"]
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
LONG = "x" * 190


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.BrowserContext]:
    try:
        with chromium.running() as context:
            yield context
    except chromium.NoBrowser as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, database.Connection]]:
    """The address of the page, and the database."""
    path = str(tmp_path_factory.mktemp("page") / "fleet.db")
    sample.write(path, NODES, DAYS)
    parser = argparse.ArgumentParser()
    arguments.add(parser)
    words = ["--role", "web", "--http", "0", "--db", path]
    with contextlib.ExitStack() as stack, database.connect(path) as connection:
        yield Collector(parser.parse_args(words), stack).page, connection


@pytest.fixture
def open_page(browser: sync_api.BrowserContext) -> Iterator[Callable[..., sync_api.Page]]:
    """open_page(address, width, dark): a page; at the end it must have had no problem."""
    pages, problems = [], []

    def opened(address: str, width: int = 1200, dark: bool = False) -> sync_api.Page:
        page = browser.new_page()
        pages.append(page)
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: said.type == "error" and problems.append(said.text))
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(address)
        return page

    expect.set_options(timeout=20_000)
    yield opened
    for page in pages:
        page.close()
    assert problems == []


def local(time_s: float) -> str:
    return datetime.fromtimestamp(time_s).strftime("%Y-%m-%d %H:%M")


def refresh(page: sync_api.Page) -> None:
    """Let it look at once, as when somebody comes back to it."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def names(page: sync_api.Page) -> list[str]:
    return page.locator("tbody a.node").all_text_contents()


def test_the_silent_node_is_found_since_when_its_gap_and_its_export(
    fleet: Any, open_page: Any, tmp_path: Path
) -> None:
    address, connection = fleet
    page = open_page(address)
    page.get_by_role("link", name=re.compile("^silent")).click()
    expect(page.locator("tbody a.node")).to_have_text(["tank-01"])
    page.locator("tbody a.node").click()

    [(node, seen, last)] = connection.execute(
        "SELECT id, seen, seq FROM node WHERE base = 'tank-01:'"
    )
    expect(page.locator(".since")).to_have_text(f"Silent since {local(seen)}, for 3 days.")
    ends = "SELECT received FROM report WHERE node = ? AND seq IN (?, ?) ORDER BY seq"
    first, then = (at for (at,) in connection.execute(ends, (node, last - 97, last - 84)))
    gaps = page.locator(".gaps > ul li")
    expect(gaps.last).to_have_text(f"12 reports missing from {local(first)} to {local(then)}")
    expect(page.locator(".plot canvas")).to_have_count(3)
    expect(page.locator(".card h3").first).to_have_text("Temperaturet, degrees Celsius")

    page.locator("input[name=from]").fill(local(first).replace(" ", "T"))
    page.locator("input[name=to]").fill(local(then + 60).replace(" ", "T"))
    page.get_by_role("button", name="Show").click()
    expect(gaps).to_have_count(1)
    expect(page.locator(".readout").first).to_contain_text("2 values")
    shown = "SELECT name, CAST(value AS TEXT) FROM readings WHERE node = 'tank-01:' {}"
    wanted = {
        "what is shown": "AND seq IN (?, ?) AND name IN ('t', 'h', 'v')",
        "everything": "AND seq NOT IN (?, ?) OR node = 'tank-01:'",
    }
    for link, condition in wanted.items():
        with page.expect_download() as download:
            page.get_by_role("link", name=link).click()
        download.value.save_as(tmp_path / "one.csv")
        with (tmp_path / "one.csv").open(encoding="utf-8", newline="") as text:
            rows = [(row["name"], row["value"]) for row in csv.DictReader(text)]
        assert sorted(rows) == sorted(
            connection.execute(shown.format(condition), (last - 97, last - 84))
        )


def test_the_table_is_filtered_searched_sorted_and_paged_and_the_address_tells_it(
    fleet: Any, open_page: Any
) -> None:
    address, connection = fleet
    page = open_page(address)
    expect(page.locator(".filters a")).to_have_text(
        ["all 130", "ok 126", "late 1", "silent 1", "never 1", "muted 1"]
    )
    assert names(page)[:3] == ["tank-01", "roof-01", "well-01"]  # what needs somebody comes first
    expect(page.locator("tbody tr").first.locator("td").nth(6)).to_have_text("1 alarm")
    expect(page.locator(".pages span").first).to_have_text("1 to 100 of 130 nodes")
    page.get_by_role("link", name="next").click()
    expect(page.locator("tbody tr")).to_have_count(30)
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(100)

    for heading, sort in (
        ("Last seen", "-seen"), ("Battery", "battery"), ("Battery", "-battery"),
        ("Signal", "signal"), ("Lost in 24 h", "-lost"), ("Node", "node"),
    ):  # fmt: skip
        page.get_by_role("link", name=heading, exact=True).click()
        way = "descending" if sort.startswith("-") else "ascending"
        expect(page.locator(f"th[aria-sort={way}]")).to_have_text(heading)
        found = queries.nodes(connection, 2e9, sort=sort)["nodes"]
        expect(page.locator("tbody a.node")).to_have_text([each["node"] for each in found])
        assert f"sort={sort}" in page.url

    page.keyboard.press("/")
    page.keyboard.type("PUMP-0")
    expect(page.locator("tbody a.node")).to_have_text([f"pump-0{n}" for n in range(1, 10)])
    again = open_page(page.url)
    expect(again.locator("#search")).to_have_value("PUMP-0")
    assert names(again) == names(page)
    page.locator("#search").fill("nothing like it")
    expect(page.locator(".nothing")).to_contain_text("No node fits")


def test_a_node_shows_what_is_known_of_it(fleet: Any, open_page: Any) -> None:
    address, connection = fleet
    page = open_page(address + "?node=gate-01")
    expect(page.locator(".plot canvas")).to_have_count(3)
    expect(page.locator(".columns")).to_contain_text("no SenML: an array was expected")
    page.locator("summary", has_text="own figures").click()
    expect(page.locator("details h3").first).to_have_text(re.compile("^RSRP, signal powerrp, "))
    expect(page.locator("details .plot canvas").first).to_be_visible()
    for name, count in (("24 h", r"9\d"), ("1 y", r"76\d")):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator(".readout").first).to_contain_text(re.compile(f"{count} values"))

    box = page.locator(".u-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 20, steps=4)
    page.mouse.up()  # drag to look closer
    page.wait_for_url(re.compile("from=[0-9]+&to=[0-9]+"))

    page.goto(address + "?node=mast-01")
    expect(page.locator(".columns")).to_contain_text("Temperature: causeabsent")
    page.goto(address + "?node=yard-01")
    expect(page.locator(".columns")).to_contain_text("rejectedrelease 7because ofcrashed")
    expect(page.locator(".columns")).to_contain_text("release 7 rejected: crashed")
    page.goto(address + "?node=barn-01")
    expect(page.locator(".facts")).to_contain_text("Boot31337")
    page.goto(address + "?node=well-01")
    expect(page.locator(".since")).to_have_text("It is expected, and has never reported.")

    page.goto(address + "?node=gate-02")
    page.locator("select").select_option("1 day")
    page.get_by_role("button", name="Mute").click()
    expect(page.locator("h1 .state")).to_have_text("muted")
    expect(page.locator(".since")).to_contain_text("Muted until")
    page.get_by_role("button", name="End the mute").click()
    expect(page.locator("h1 .state")).to_have_text("ok")


def test_alarms_and_the_state_of_the_collector(fleet: Any, open_page: Any) -> None:
    page = open_page(fleet[0])
    page.get_by_role("link", name="Alarms 4").click()
    assert sorted(names(page)) == ["mast-01", "pump-01", "tank-01", "yard-01"]
    page.get_by_role("link", name="all", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(4 + 19)
    page.get_by_role("link", name="Status").click()
    expect(page.locator("main")).to_contain_text("no SenML: an array was expected")
    zone = {"timezoneId": "Asia/Tokyo"}
    page.context.new_cdp_session(page).send("Emulation.setTimezoneOverride", zone)
    page.reload()
    expect(page.locator("footer")).to_have_text("Times in Asia/Tokyo (UTC+09:00)")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_fits_a_telephone_has_its_colours_and_is_small(
    fleet: Any, open_page: Any, view: str
) -> None:
    for width, dark in ((1200, False), (360, True)):
        page = open_page(fleet[0] + view, width, dark)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", back))) < 200) == dark
        sizes = page.evaluate(
            "performance.getEntriesByType('resource').map((r) => r.transferSize)"
        )
        assert sum(sizes) < SIZE_MAX


def test_the_keyboard_is_enough(fleet: Any, open_page: Any) -> None:
    page = open_page(fleet[0])
    expect(page.locator("tbody tr")).to_have_count(100)
    page.keyboard.press("/")
    page.keyboard.type("gate-01")
    expect(page.locator("tbody tr")).to_have_count(1)
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if page.evaluate("document.activeElement.className") == "node":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".plot canvas")).to_have_count(3)
    page.locator(".plot").first.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    for readout in page.locator("main > .charts .readout").all():  # all charts follow
        expect(readout).to_contain_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d: "))


def test_a_refresh_keeps_focus_selection_and_scroll(start: Any, send: Any, open_page: Any) -> None:
    collector: Collector = start()
    for number in range(60):
        send(collector, report(1, f"node-{number:02}:"))
    page = open_page(collector.page)
    expect(page.locator("tbody tr")).to_have_count(60, timeout=20_000)
    page.locator("tbody a.node").nth(50).focus()
    page.evaluate("getSelection().selectAllChildren(document.activeElement)")
    before = page.evaluate("[document.activeElement.textContent, String(getSelection()), scrollY]")
    assert before[:2] == ["node-50", "node-50"] and before[2] > 0
    send(collector, report(1, "node-20a:"))
    send(collector, b"junk")
    expect(page.locator("tbody tr")).to_have_count(61)
    expect(page.locator(".corner")).to_contain_text("1 refused")
    after = page.evaluate("[document.activeElement.textContent, String(getSelection()), scrollY]")
    assert after[:2] == before[:2] and abs(after[2] - before[2]) < 60
    page.goto(page.url.partition("?")[0] + "?view=status")
    cells = page.locator(".list td")
    expect(cells.nth(2)).to_contain_text("127.0.0.1:")
    assert cells.nth(2).bounding_box()["height"] < 40  # not a character a line


def test_what_a_stranger_sends_is_text(start: Any, open_page: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "hostile.db")
    sample.write(path, 5, 7)
    bases = [f"{HOSTILE}:", f"{LONG}:", "__proto__:", "a&b=c d/%41?#:", ":"]
    with database.connect(path) as connection:
        for number, base in enumerate(bases, 1):
            connection.execute("UPDATE node SET base = ? WHERE id = ?", (base, number))
        connection.execute(
            "UPDATE name SET name = ?, unit = '<b>u</b>' WHERE name = 't'", (HOSTILE,)
        )
        connection.execute("UPDATE name SET name = ? WHERE name = 'h'", (LONG,))
        for place in (
            "latest SET other",
            "alarm SET text",
            "refused SET reason",
            "fleet SET cause",
        ):
            connection.execute(f"UPDATE {place} = ?", (HOSTILE,))
        connection.execute("UPDATE latest SET value = 1e300 WHERE name = 4")
        connection.execute("UPDATE record SET value = 1e300 * (seq % 3 - 1) WHERE name = 4")
    page = open_page(start("--role", "web", "--db", path).page, 360)
    expect(page.locator("tbody tr")).to_have_count(5)
    views = ["", "?view=status", "?view=alarms", *("?node=" + quote(base[:-1]) for base in bases)]
    for view in views:
        page.goto(page.url.partition("?")[0] + view)
        expect(page.locator("main > *").nth(1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, view
        assert page.locator("img, main script, .card b, bdi > *").count() == 0
        assert page.title().endswith("· Collector")
    expect(page.locator(".columns")).to_contain_text(HOSTILE)
    expect(page.locator(".plot canvas").first).to_be_visible()


def test_an_empty_page_says_what_to_do(start: Any, send: Any, open_page: Any) -> None:
    collector: Collector = start()
    page = open_page(collector.page, 360)
    expect(page.get_by_text("No node has reported yet")).to_be_visible()
    assert page.locator(".endpoints li").all_text_contents() == collector.endpoints
    port = collector.endpoints[0].rpartition(":")[2]
    expect(page.locator("pre").first).to_have_text(re.compile(f"_PORT = {port}\n_APN = "))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    send(collector, report(1))
    expect(page.locator("tbody a.node")).to_have_text(["gate"])


def test_it_says_when_the_collector_has_gone_and_asks_for_a_token(
    start: Any, browser: Any, tmp_path: Path
) -> None:
    (tmp_path / "tokens").write_text("read 0123456789abcdef\n")
    collector: Collector = start("--token-file", str(tmp_path / "tokens"))
    page = browser.new_page()
    page.goto(collector.page + "?view=status")
    for token, told in (("wrong", "token"), ("0123456789abcdef", "")):
        page.locator("input").fill(token)
        page.get_by_role("button").click()
        expect(page.locator("#trouble")).to_contain_text(told)
    expect(page.get_by_role("button", name="Log out")).to_be_visible()  # where it was asked for
    collector._stack.close()
    refresh(page)
    expect(page.locator("#trouble")).to_contain_text("does not answer")
    page.close()


def test_the_files_of_others_are_unchanged() -> None:
    folder = Path(sample.__file__).parent / "web" / "page" / "vendor"
    lines = re.findall(r"^([0-9a-f]{64})  (\S+)", (folder / "vendored.txt").read_text(), re.M)
    assert {name for _, name in lines} | {"vendored.txt"} == {
        file.name for file in folder.iterdir()
    }
    for digest, name in lines:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
