"""The page in a real browser, Debian's Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright import sync_api

from collector.program import Collector
from devkit.servers import chromium
from tests.collector.rig import report

pytestmark = pytest.mark.long

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.BrowserContext]:
    try:
        with chromium.running() as context:
            yield context
    except chromium.NoBrowser as problem:
        pytest.skip(str(problem))


@pytest.fixture
def page(browser: sync_api.BrowserContext) -> Iterator[sync_api.Page]:
    page = browser.new_page()
    page.set_default_timeout(8_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    yield page
    page.close()
    assert problems == []


def card(page: sync_api.Page, name: str) -> sync_api.Locator:
    return page.locator(f'.card[data-name="{name}"]')


def test_a_reader_sees_what_arrives_without_reloading(
    start: Any, send: Any, page: sync_api.Page
) -> None:
    collector: Collector = start()
    page.goto(collector.page)
    sync_api.expect(page.get_by_text("Nothing has arrived yet")).to_be_visible()
    assert page.locator("#endpoints li").all_text_contents() == collector.endpoints

    for seq in range(3):
        send(collector, report(seq, t=Decimal(2150 + seq) / 100))
    value = card(page, "gate:t").locator(".value")
    sync_api.expect(value).to_have_text("21.52Cel")
    sync_api.expect(page.get_by_text("Nothing has arrived yet")).to_be_hidden()
    line = card(page, "gate:t").locator("path.line")
    sync_api.expect(line).to_have_attribute("data-points", "3")

    send(collector, report(3, t=Decimal("23.10")))
    send(collector, b"junk")
    sync_api.expect(value).to_have_text("23.10Cel")
    sync_api.expect(line).to_have_attribute("data-points", "4")
    sync_api.expect(page.locator("#counters")).to_contain_text("refused1")
    sync_api.expect(page.locator("#problems summary")).to_have_text("Refused: the last 1")

    send(collector, [{-2: "late:", 2: 1}, {0: "t", 6: -900, 2: 1}])
    send(collector, [{-2: "old:", 2: 1}, {0: "tu", 4: True}, {0: "t", 2: 1}])
    meta = card(page, "late:t").locator(".meta")
    sync_api.expect(meta).to_contain_text("measured 15 min ago, received now")
    meta = card(page, "old:t").locator(".meta")
    sync_api.expect(meta).to_contain_text("measured at an unknown time, received now")

    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1000, "height": 700})


def test_what_a_stranger_sends_is_text(start: Any, send: Any, page: sync_api.Page) -> None:
    collector: Collector = start()
    send(collector, [{0: "note", 3: HOSTILE, 1: "<b>u</b>"}])
    send(collector, [{0: HOSTILE, 2: 1}])
    send(collector, [{0: "open", 4: True}, {0: "huge", 2: 10**299}, {0: "huge", 2: -(10**299)}])
    page.goto(collector.page)
    sync_api.expect(card(page, "note").locator(".value")).to_have_text(HOSTILE + "<b>u</b>")
    sync_api.expect(card(page, "note").locator("svg")).to_be_hidden()
    page.locator("#problems summary").click()
    sync_api.expect(page.locator("#problems td").last).to_contain_text("<img src=x")
    assert page.locator("main img, main script, main b, #problems img").count() == 0
    assert page.title() == "Collector"
    sync_api.expect(card(page, "open").locator(".value")).to_have_text("true")
    drawn = card(page, "huge").locator("path.line")
    sync_api.expect(drawn).to_have_attribute("data-points", "2")
    assert "NaN" not in (drawn.get_attribute("d") or "NaN")


def test_what_a_node_runs_stands_below_its_name(
    start: Any, send: Any, page: sync_api.Page, tmp_path: Path
) -> None:
    collector: Collector = start("--db", str(tmp_path / "a.db"))
    send(collector, report(1, "plain:"))
    told = [{0: "rl", 2: 6}, {0: "up", 2: 40}, {0: "rj", 2: 5}, {0: "rc", 3: HOSTILE}]
    send(collector, report(1) + told + [{0: "ch", 3: "node 2"}])
    page.goto(collector.page)
    table = page.locator("section[data-base='gate:'] .fleet")
    sync_api.expect(table.locator("td")).to_have_text(
        ["now", "6", "", "40 %", "", "5", HOSTILE[:40], "node 2"], timeout=8_000
    )
    heads = ["last seen", "release", "offered", "progress", "confirmed", "rejected", "cause"]
    assert table.locator("th").all_text_contents() == [*heads, "changed"]
    assert page.locator(".fleet").count() == 1 and page.locator("main img").count() == 0

    send(collector, report(2) + [{0: "rl", 2: 7}])
    sync_api.expect(table.locator("td").nth(1)).to_have_text("7")
    sync_api.expect(card(page, "gate:t").locator(".value")).to_have_text("21.50Cel")
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1000, "height": 700})


def test_it_says_when_the_collector_has_gone(start: Any, browser: Any) -> None:
    collector: Collector = start()
    page = browser.new_page()
    page.goto(collector.page)
    collector._stack.close()
    sync_api.expect(page.locator("#trouble")).to_contain_text("does not answer", timeout=10_000)
    page.close()
