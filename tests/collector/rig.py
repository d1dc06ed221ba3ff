"""Reports as the template sends them, and where a collector takes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from collector.program import Collector


def port_of(collector: Collector, scheme: str) -> int:
    [found] = [each for each in collector.endpoints if each.startswith(scheme + ":")]
    return int(found.split("/")[2].rpartition(":")[2])


def report(seq: int, base: str = "gate:", **values: Any) -> list[dict[int, Any]]:
    """A pack as the template sends it."""
    records = [{0: name, 2: value, 1: "Cel"} for name, value in values.items()]
    return [{-2: base, 0: "seq", 2: seq}, *(records or [{0: "t", 1: "Cel", 2: Decimal("21.50")}])]


def wait_until(holds: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
