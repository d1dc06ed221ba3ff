"""Collect reports by UDP, CoAP and MQTT: a live table, SQLite, a page with charts.

Listens until interrupted. Plain UDP and CoAP share one port unless they are given different ones:
the first byte of a datagram tells which it is. A terminal shows the latest values; anything else
gets a line for each record. `python -m collector` is the same program without --broker.
"""

from __future__ import annotations

import argparse
import contextlib
import sys

from collector import arguments as collector_arguments
from collector import program
from collector.storage.database import is_server
from devkit import requirements
from devkit.commands import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    receiving = collector_arguments.add(parser)
    receiving.add_argument(
        "--broker",
        type=collector_arguments.port,
        nargs="?",
        const=1883,
        metavar="PORT",
        help="start an MQTT broker at --host and subscribe there (default port: 1883)",
    )


def main(options: argparse.Namespace) -> int:
    requirements.need("collect")
    if is_server(options.db or ""):
        requirements.need("postgres")
    if options.export is not None and options.export.suffix == collector_arguments.PARQUET:
        requirements.need("parquet")
    with contextlib.ExitStack() as stack:
        if options.broker is not None:
            _start_broker(options, stack)
        try:
            return program.main(options)
        except program.UsageError as problem:
            raise UsageError(str(problem)) from None


def _start_broker(options: argparse.Namespace, stack: contextlib.ExitStack) -> None:
    from devkit.servers.mqtt import MqttBroker, NoBroker

    if options.mqtt is not None:
        raise UsageError("--broker: not allowed with --mqtt")
    user, password = options.mqtt_user or None, options.mqtt_password or None
    try:
        broker = stack.enter_context(MqttBroker(options.host, options.broker, user, password))
    except (NoBroker, OSError) as problem:
        raise UsageError(f"--broker {options.broker}: {problem}") from None
    options.mqtt = broker.host, broker.port
    print(f"broker: {broker.about}", file=sys.stderr)
