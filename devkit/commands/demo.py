"""Measure, connect, send, deactivate, sleep: the template application on an emulated board.

Runs boot.py, main.py and config.py, the files that go on a device, for three cycles with a real
server on loopback, and ends with a table of phases and with what arrived. The modules load as fast
as those that ./dev build deploys.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devkit import application, configuration, requirements
from devkit.commands import UsageError, demo_update
from devkit.commands.options import (
    add_config,
    add_cycles,
    add_firmware,
    add_install,
    add_json,
    add_realtime,
    add_trace,
    add_vm,
    add_world,
    checked_config,
    write_trace,
    writing,
)
from devkit.commands.run import runtime, summary, troubles
from devkit.commands.values import output, whole
from devkit.servers.receiver import Receiver, answers
from devkit.tables import table
from emulator.cycle import Cycle
from emulator.device_files import copy_device_files
from emulator.emulator import Emulator
from emulator.network.routes import Routes

NODE_KNOWS = """

packets sent, on air, arrived: by the emulation's own record (of a stream, its pieces)
left?, answered?: the messages of which the node knows that they left its radio, and that the
server has them; - is unknown"""
PLOT_SUFFIXES = (".png", ".svg", ".pdf")
FORMS = {
    "py": "source, .py",
    "mpy": "compiled, .mpy, as ./dev build deploys them",
    "frozen": "frozen, in a firmware built for them",
}


class _Default(int):
    """A number that is not from the command line."""


def _plot(text: str) -> str:
    if Path(text).suffix not in PLOT_SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {', '.join(PLOT_SUFFIXES)}")
    return output(text)


def _plotted(text: str) -> tuple[int, str]:
    """A cycle of the picture: its number and its label."""
    number, _, label = text.partition("=")
    return whole(1)(number), label


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bearer",
        choices=application.bearers(),
        help="what carries the reports (default: _BEARER of the configuration)",
    )
    parser.add_argument(
        "--protocol",
        choices=application.protocols(),
        help="how they travel, to a real server of that kind (default: _PROTOCOL of the"
        " configuration)",
    )
    add_config(parser)
    add_cycles(parser, _Default(3))
    add_world(parser)
    add_firmware(parser)
    add_install(parser, "mpy")
    add_trace(parser)
    parser.add_argument(
        "--plot",
        type=_plot,
        metavar="FILE.png",
        help="draw the current over time, with the phases named (.png, .svg or .pdf)",
    )
    parser.add_argument(
        "--plot-cycles",
        type=_plotted,
        nargs="+",
        default=[],
        metavar="N[=LABEL]",
        help="draw these cycles, side by side with the same scales, such as 1=cold 3=resumed",
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="tell of a node that is updated over the air: a release is offered, fetched, tried"
        " and confirmed, then a bad one, which does not stay; as many cycles as that takes",
    )
    add_vm(parser)
    add_realtime(parser)
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    with checked_config(options):
        if not options.update:
            return _demo(options)
        if not isinstance(options.cycles, _Default):
            raise UsageError(
                "--cycles with --update, which takes as many as it needs; allowed: one of the two"
            )
        return demo_update.tell(options)


def _demo(options: argparse.Namespace) -> int:
    out = sys.stderr if options.json else sys.stdout

    def say(text: str = "") -> None:
        print(text, file=out, flush=True)

    _check_plot(options)
    if options.plot:
        requirements.need("plot")
    vm = runtime(options)
    config = options.config or "config.py"
    fields = configuration.fields()
    configured = configuration.destination(fields)
    bearer = options.bearer or configured["_BEARER"]
    protocol = application.resolved(bearer, options.protocol or configured["_PROTOCOL"])
    settings = application.settings(bearer, protocol, configured)
    board = application.board(bearer)
    say(f"Emulated {board}, firmware {options.firmware}, scenario {options.scenario!r},"
        f" seed {options.seed}: boot.py, main.py, {config}")  # fmt: skip
    say(f"Modules: {FORMS[options.install]}")
    for name, value in settings.items():
        say(f"{config}: {name} = {value!r}")
    with Receiver(protocol) as receiver, tempfile.TemporaryDirectory("-flash") as folder:
        host, port = application.endpoint(bearer, protocol, configured)
        to_server = _route(receiver, host, port)
        say(f"{receiver.about} on {receiver.host} port {receiver.port},"
            f" reached as {host}:{port}\n")  # fmt: skip
        flash = Path(folder)
        copy_device_files(flash)
        application.configure(flash, settings)
        with Emulator(
            scenario=options.scenario,
            seed=options.seed,
            firmware=options.firmware,
            name=board,
            chips=application.chips(bearer),
            config=fields,
            secrets=configuration.secret_values(fields),
            flash=flash,
            routes=[to_server],
            install=options.install,
            console=lambda text: print(text, end="", file=out, flush=True),
            realtime=options.realtime,
            **vm,
        ) as emulator:
            receiver.attend(emulator)
            cycles = emulator.run(cycles=options.cycles)
            left = payloads_left(protocol, cycles)
            receiver.wait_for(left, timeout_s=5)
            _write_files(options, bearer, emulator, cycles)
        arrived = receiver.table()
        count = len(receiver.received)
    say(f"\nWhat the server received and decoded ({count} payload{'s' * (count != 1)})\n")
    say(arrived)
    say("\nPhases of each cycle, ms\n")
    say(phase_table(cycles))
    say("\nEach cycle\n")
    say(cycle_table(cycles))
    if options.plot:
        say(f"\nCurrent over time: {options.plot}")
    missing = troubles(cycles)
    if len(cycles) < options.cycles and not missing:
        missing.append(f"the board did not wake for cycle {len(cycles) + 1} of {options.cycles}")
    if count < left:
        missing.append(f"the server received {count} of the {left} payloads that left the board")
    for line in missing:
        print(f"./dev demo: {line}", file=sys.stderr)
    if options.json:
        print(json.dumps(summary(not missing, options.seed, cycles)))
    return 1 if missing else 0


def _check_plot(options: argparse.Namespace) -> None:
    if options.plot_cycles and not options.plot:
        raise UsageError("--plot-cycles without a picture; allowed: with --plot FILE.png")
    for number, _ in options.plot_cycles:
        if number > options.cycles:
            raise UsageError(f"--plot-cycles {number}; allowed: 1 to {options.cycles} (--cycles)")


def _route(receiver: Receiver, host: str, port: int) -> str:
    """The route from the server of the configuration to the real one."""
    text = receiver.route(host, port)
    try:
        Routes.parse([text])
    except ValueError:
        raise UsageError(f"_HOST = {host!r}; allowed: an IP address or a name") from None
    return text


def payloads_left(protocol: str, cycles: Sequence[Cycle]) -> int:
    """How many payloads must have reached the server: those that it confirmed, or without that
    those that left the board whole. Of a stream without confirmation that is one a cycle."""
    if answers(protocol):
        return sum(cycle.confirmed or 0 for cycle in cycles)
    if application.transport(protocol) == "stream":
        return sum(cycle.delivered > 0 for cycle in cycles)
    return sum(cycle.delivered for cycle in cycles)


def _write_files(
    options: argparse.Namespace, bearer: str, emulator: Emulator, cycles: Sequence[Cycle]
) -> None:
    write_trace(options, emulator.board)
    if options.plot:
        from devkit.plot import draw

        title = f"{bearer} report, {options.scenario}, firmware {options.firmware}"
        chosen = {number: label for number, label in options.plot_cycles if number <= len(cycles)}
        with writing("--plot", options.plot):
            draw(emulator.board.meter.timeline, cycles, Path(options.plot), title, chosen)


def phase_table(cycles: Sequence[Cycle]) -> str:
    """One line per phase, one column per cycle, in the order in which phases first occur."""
    names: list[str] = []
    for cycle in cycles:
        names += [phase.name for phase in cycle.phases if phase.name not in names]
    rows: list[list[object]] = []
    for name in names:
        durations = []
        for cycle in cycles:
            found = [phase.duration_ms for phase in cycle.phases if phase.name == name]
            durations.append(sum(found) if found else None)
        rows.append([name, *durations])
    rows.append(["awake", *[cycle.awake_ms for cycle in cycles]])
    return table(rows, ["phase", *[f"cycle {number}" for number in range(1, len(cycles) + 1)]])


def _outcome(cycle: Cycle) -> str:
    if cycle.batch:
        return "measured and kept ({} of {} until sending)".format(*cycle.batch)
    return cycle.cause or cycle.ended


def cycle_table(cycles: Sequence[Cycle]) -> str:
    """What each cycle was started by, how it went and what it cost."""
    rows = [
        [
            number, cycle.reset_cause, _outcome(cycle), cycle.awake_ms,
            cycle.radio_on_ms, cycle.at_exchanges, cycle.uart_bytes, cycle.air_bytes,
            round(cycle.energy_mj), len(cycle.sent), cycle.on_air, cycle.delivered,
            cycle.left, cycle.confirmed,
        ]
        for number, cycle in enumerate(cycles, 1)
    ]  # fmt: skip
    headings = [
        "cycle", "started by", "outcome", "awake ms", "radio on ms", "AT exchanges",
        "UART bytes", "air bytes", "energy mJ", "packets sent", "on air", "arrived",
        "left?", "answered?",
    ]  # fmt: skip
    return table(rows, headings) + NODE_KNOWS
