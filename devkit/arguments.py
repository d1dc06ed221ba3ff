"""The arguments of each command of `./dev`: their names, what they may be, what --help says.

The functions named after commands add that command's arguments to a parser.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

FIRMWARES = ("1.20.2.r4", "1.20.2.r7")
BEARERS = ("nbiot", "wifi", "lora")
PROTOCOLS = ("udp", "coap", "mqtt")
BOARDS = ("GPy", "FiPy")
INSTALLS = ("py", "mpy", "frozen")
TARGETS = ("pycom-1.20.2", "micropython-1.2x")  # devkit/build/targets.py
PLOT_SUFFIXES = (".png", ".svg", ".pdf")


class Parser(argparse.ArgumentParser):
    """Wrong usage is one line; it shows the usage where the message names nothing allowed."""

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        if message.startswith(("unrecognized", "the following", "ambiguous")):
            usage = " ".join(self.format_usage().split()).removeprefix("usage: ")
            message = f"{message}; allowed: {usage}"
        self.exit(2, f"{self.prog}: {message}\n")


# Types of arguments: they check, and return the text or number that the command works with.


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
        return number

    return whole


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours above 0")
    return hours


def _script(text: str) -> str:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return text


def _folder(text: str) -> str:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return text


def _output(text: str) -> str:
    path = Path(text)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written; a file is needed")
    return text


def _plot(text: str) -> str:
    if Path(text).suffix not in PLOT_SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {', '.join(PLOT_SUFFIXES)}")
    return _output(text)


def _scenario(text: str) -> str:
    from devkit import scenario

    try:
        scenario.load(text)
    except (ValueError, OSError) as problem:
        raise argparse.ArgumentTypeError(one_line(problem)) from problem
    return text


def _route(text: str) -> str:
    from devkit.network.routes import Routes

    try:
        Routes.parse([text])
    except ValueError as problem:
        raise argparse.ArgumentTypeError(one_line(problem)) from problem
    return text


def one_line(problem: BaseException) -> str:
    return "; ".join(str(problem).splitlines())


# The options, each under the name that it has in every command that takes it.


def _add_world(parser: argparse.ArgumentParser) -> None:
    """What the emulated board meets."""
    parser.add_argument(
        "--scenario",
        type=_scenario,
        default="good",
        metavar="NAME|FILE",
        help="what modem, SIM and network do: a name from devkit/scenarios or a file in the same"
        " format (default: good)",
    )
    parser.add_argument(
        "--seed",
        type=_whole(0),
        default=1,
        metavar="N",
        help="everything random follows from it: the same seed gives the same run (default: 1)",
    )


def _add_firmware(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--firmware",
        choices=FIRMWARES,
        default=FIRMWARES[0],
        help=f"whose behaviour the board has (default: {FIRMWARES[0]})",
    )


def _add_trace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trace",
        type=_output,
        metavar="FILE",
        help="write what happened when (AT text, power, files) to FILE, in virtual time",
    )


def _add_route(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--route",
        type=_route,
        action="append",
        default=[],
        metavar="HOST:PORT=HOST:PORT",
        help="what the board sends to the first goes to the second, a server on this computer;"
        " may be repeated; without a route it is lost, as on the internet",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object on stdout and everything else on stderr",
    )


def _add_realtime(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="let the virtual time pass as fast as the clock on the wall",
    )


def _command(text: str) -> list[str]:
    words = shlex.split(text)
    if not words or shutil.which(words[0]) is None:
        raise argparse.ArgumentTypeError(f"{text!r} begins with no program that can be run")
    return words


def _add_vm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vm",
        action="store_true",
        help="run the device code on a real MicroPython (its WebAssembly build, in Node.js), not"
        " on CPython",
    )
    parser.add_argument(
        "--vm-command",
        type=_command,
        default=[],
        metavar="CMD",
        help="as --vm, but on the MicroPython that CMD starts, such as the unix port's"
        " `micropython`; it is given one more argument, the file to run (docs/vm-stream.md)",
    )


def _add_install(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--install",
        choices=INSTALLS,
        default=default,
        help="how the modules got onto the device, which decides what importing them costs"
        f" (default: {default})",
    )


def _add_target(parser: argparse._ActionsContainer, default: str | None, about: str) -> None:
    parser.add_argument("--target", choices=TARGETS, default=default, help=about)


def _add_cycles(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--cycles",
        type=_whole(1),
        default=default,
        metavar="N",
        help=f"end after N boots of the board (default: {default})",
    )


def demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bearer",
        choices=BEARERS,
        default=BEARERS[0],
        help=f"what carries the reports (default: {BEARERS[0]})",
    )
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default=PROTOCOLS[0],
        help=f"how they travel, to a real server of that kind (default: {PROTOCOLS[0]})",
    )
    _add_cycles(parser, 3)
    _add_world(parser)
    _add_firmware(parser)
    _add_trace(parser)
    parser.add_argument(
        "--plot",
        type=_plot,
        metavar="FILE.png",
        help="draw the current over time, with the phases named (.png, .svg or .pdf)",
    )
    _add_vm(parser)
    _add_realtime(parser)
    _add_json(parser)


def run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", type=_script, metavar="SCRIPT", help="the Pycom script")
    parser.add_argument(
        "--flash",
        type=_folder,
        metavar="DIR",
        help="the board's /flash (default: the device files of this project)",
    )
    _add_cycles(parser, 1)
    parser.add_argument(
        "--board",
        choices=BOARDS,
        default=BOARDS[0],
        help=f"which board it is; a FiPy has LoRa, too (default: {BOARDS[0]})",
    )
    _add_world(parser)
    _add_firmware(parser)
    _add_trace(parser)
    _add_route(parser)
    _add_vm(parser)
    _add_install(parser, "py")
    parser.add_argument(
        "--max-hours",
        type=_hours,
        default=24.0,
        metavar="H",
        help="end the run after so many virtual hours (default: 24)",
    )
    _add_realtime(parser)
    _add_json(parser)


def at(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "command",
        nargs="*",
        metavar="COMMAND",
        help="an AT command, or data after a prompt (\\x1a is Ctrl-Z); the raw replies go to"
        " stdout; `wait 5000` lets 5000 ms pass",
    )
    parser.add_argument(
        "--pty",
        action="store_true",
        help="offer the modem as a serial device, in real time, until interrupted",
    )
    parser.add_argument(
        "--wait-ms",
        type=_whole(0),
        metavar="N",
        help="how long to wait for the final result code of a command (default: 180000), and"
        " with this option also listen so long for unsolicited lines after the last command",
    )
    parser.add_argument(
        "--escape",
        action="store_true",
        help="show each byte of the replies as in a Python string, one chunk a line",
    )
    _add_world(parser)
    _add_firmware(parser)
    _add_route(parser)
    _add_trace(parser)


def _port(text: str) -> int | None:
    if text == "off":
        return None
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: 0 (a free one) to 65535, off")
    return int(text)


def _endpoint(text: str) -> tuple[str, int] | None:
    """HOST:PORT, [HOST]:PORT or PORT."""
    if text == "off":
        return None
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isdecimal() or int(port) > 65535 or (text.startswith(":")):
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: PORT, HOST:PORT, [IPV6]:PORT, off")
    return host or "127.0.0.1", int(port)


def _topic(text: str) -> str:
    levels = text.split("/")
    wrong = any(len(level) > 1 and set(level) & set("#+") for level in levels)
    if not text or wrong or "#" in levels[:-1] or len(text.encode()) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no topic filter, such as channels/+/#")
    return text


def collect(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen at for UDP and CoAP; ::  for all of this computer (default:"
        " 127.0.0.1, which only this computer reaches)",
    )
    for name in ("udp", "coap"):
        about = "plain UDP" if name == "udp" else "CoAP"
        add(f"--{name}", type=_port, default=5683, metavar="PORT",
            help=f"port of {about}; 0: a free one; off (default: 5683)")  # fmt: skip
    mqtt = parser.add_mutually_exclusive_group()
    mqtt.add_argument(
        "--mqtt", type=_endpoint, metavar="HOST:PORT", help="subscribe at this MQTT broker"
    )
    mqtt.add_argument(
        "--broker",
        type=_port,
        nargs="?",
        const=1883,
        metavar="PORT",
        help="start an MQTT broker at --host and subscribe there (default port: 1883)",
    )
    add("--topic", type=_topic, default="channels/#", metavar="FILTER",
        help="what to subscribe to (default: channels/#)")  # fmt: skip
    add("--mqtt-user", default="", metavar="NAME", help="user name at the broker")
    add("--mqtt-password", default="", metavar="WORD",
        help="its password; better in the environment as MQTT_PASSWORD, as others can read"
        " command lines")  # fmt: skip
    add("--http", type=_endpoint, default=("127.0.0.1", 8080), metavar="[HOST:]PORT",
        help="where the page is served; 0: a free port; off (default:"
        " 127.0.0.1:8080)")  # fmt: skip
    add("--db", type=_output, metavar="FILE", help="write every record to this SQLite database")
    add("--count", type=_whole(1), metavar="N", help="end after so many messages")
    add("--json", action="store_true",
        help="print one JSON object a line for each record on stdout, everything else on"
        " stderr")  # fmt: skip


def bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        type=_whole(0),
        default=1,
        metavar="N",
        help="the same seed gives the same numbers (default: 1)",
    )
    _add_firmware(parser)
    _add_install(parser, "mpy")  # as it is deployed
    _add_json(parser)


def build(parser: argparse.ArgumentParser) -> None:
    _add_target(parser, TARGETS[0], f"the firmware to compile for (default: {TARGETS[0]})")
    parser.add_argument(
        "--out",
        default="dist",
        metavar="DIR",
        help="the build goes to DIR/TARGET; one that is there is replaced (default: dist)",
    )
    parser.add_argument(
        "--budget",
        action="store_true",
        help="write the table of docs/budget.md anew as well",
    )


def component(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="nbiot, si7021, ...; a wrong name lists all")
    parser.add_argument(
        "--to",
        metavar="DIR",
        help="copy the files to DIR, a board's /flash or a project; as .py unless --target is"
        " given",
    )
    _add_target(
        parser, None, f"the firmware to compile for (sizes are for {TARGETS[0]} unless given)"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="with --to: write over files that are there and differ",
    )
    _add_json(parser)


def deploy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("port", metavar="PORT", help="/dev/ttyUSB0, COM3, ...: the board's REPL")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--from",
        type=_folder,
        dest="source",
        metavar="DIR",
        help="put the files of DIR on the board, as they are (default: a fresh build in"
        " dist/TARGET/flash)",
    )
    _add_target(what, TARGETS[0], f"the firmware to build for (default: {TARGETS[0]})")
    parser.add_argument(
        "--config",
        action="store_true",
        help="replace the board's config.py, too, which stays as it is otherwise",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would change, and change nothing"
    )
    parser.add_argument(
        "--wait",
        type=_whole(0),
        default=15,
        metavar="SECONDS",
        help="how long to try for a REPL; a node in deep sleep has none until it wakes or is"
        " reset (default: 15)",
    )


def nothing(parser: argparse.ArgumentParser) -> None:
    """A command without arguments of its own."""


def sensors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="a driver: more about this one")
    _add_json(parser)


def new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("sensor",), help="what to begin")
    parser.add_argument(
        "name", metavar="NAME", help="its module: lower-case letters, digits, underscores"
    )
