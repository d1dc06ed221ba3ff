"""--role: each part in a process of its own, on the same database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collector.program import UsageError


@pytest.mark.parametrize("role", ["intake", "web", "alarms"])
def test_a_role_needs_the_database_that_all_share(role: str, start: Any) -> None:
    with pytest.raises(UsageError, match=f"--role {role}: needs --db"):
        start("--role", role)


def test_each_role_does_its_part_only(start: Any, tmp_path: Path) -> None:
    words = ("--db", str(tmp_path / "a.db"))
    intake = start(*words, "--role", "intake", "--http", "off")
    web = start(*words, "--role", "web")
    alarms = start(*words, "--role", "alarms", "--http", "off")
    assert [each.split(":")[0] for each in intake.endpoints] == ["coap", "udp"]
    assert (intake.page, web.page != "") == ("", True)
    assert (web.endpoints, alarms.endpoints, alarms.page) == ([], [], "")
