"""Collects reports: plain UDP, CoAP and MQTT; SenML decoded, kept, shown.

    with Collector("::1") as collector:           # plain UDP, for demo, bench and tests
        ...                                       # somebody sends
        collector.wait_for(3, timeout_s=2)
        print(collector.table())

`./dev collect` is the whole of it as a program (program.py, docs/collect.md):

    udp.py coap.py mqtt.py    what comes in: an `Arrival` each
    packs.py                  SenML decoded, and what would do harm refused
    decode_queue.py               the queue between them and one thread that does the work
    readings.py               latest values, series, duplicates: all bounded
    store.py                  SQLite, in a thread of its own
    live.py                   the table in a terminal, or a line for each record
    web.py page/              the page
"""

from collector.udp import Collector, Received, Reply, render

__all__ = ["Collector", "Received", "Reply", "render"]
