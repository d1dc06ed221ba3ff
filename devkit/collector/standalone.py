"""The UDP collector alone, as a program: a table for each datagram, and nothing kept.

python -m devkit.collector --host 127.0.0.1 --port 5683
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence

from devkit.collector.udp import Collector, Received, render


def main(argv: Sequence[str] | None = None) -> int:
    """Collect until Ctrl-C, or until --count datagrams have come."""
    parser = argparse.ArgumentParser(prog="python -m devkit.collector", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=5683, help="UDP port; 0: a free one")
    parser.add_argument("--count", type=int, default=0, help="end after so many datagrams")
    options = parser.parse_args(argv)
    if not 0 <= options.port <= 65535:
        parser.error(f"--port {options.port}; allowed: 0 to 65535")
    seen = 0

    def show(received: Received) -> None:
        nonlocal seen
        seen += 1
        print(render([received], seen), flush=True)

    try:
        collector = Collector(options.host, options.port, on_datagram=show, keep=1)
    except OSError as problem:
        print(f"collector: {options.host} port {options.port}: {problem}", file=sys.stderr)
        return 2
    shown = f"[{collector.host}]" if ":" in collector.host else collector.host
    print(f"collector: listening on {shown}:{collector.port}/udp", file=sys.stderr, flush=True)
    with collector, contextlib.suppress(KeyboardInterrupt):
        while not (options.count and collector.wait_for(options.count, 0.5)):
            if not options.count:
                time.sleep(0.5)
    return 0
