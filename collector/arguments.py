"""The command line of the collector."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import NoReturn

from collector.alarms import notices
from collector.decode import packs, senml
from collector.storage.database import SCHEMES, is_server
from collector.web.access import is_open_to_others, read_tokens
from collector.web.export import CSV, PARQUET

ROLES = ("all", "intake", "web", "alarms")
HTTP = ("127.0.0.1", 8080)  # with --role intake and alarms only if it is given
# Topics that are subscribed to: _TOPIC of the published config.py and all below it, and that of
# protocols.mqtt_client, channels/<channel>/messages/<thing>
TOPICS = ("r/#", "channels/#")


class Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        if message.startswith("unrecognized"):
            message += "; allowed: " + " ".join(self.format_usage().split()[1:])
        self.exit(2, f"{self.prog}: {message}\n")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _database(text: str) -> str:
    if is_server(text):
        return text
    path = Path(text)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be written; allowed: a file, or {SCHEMES[0]}USER@HOST/NAME"
        )
    return text


def _tokens(text: str) -> dict[str, str]:
    path = Path(text)
    try:
        tokens = read_tokens(path)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text!r}: {problem}") from None
    if is_open_to_others(path):
        print(f"collect: {text}: others can read it; chmod 600 {text}", file=sys.stderr)
    return tokens


def _export(text: str) -> Path:
    path = Path(text)
    if path.suffix not in (CSV, PARQUET) or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r}; allowed: a file whose name ends in {CSV} or {PARQUET}, in a folder that is"
            " there"
        )
    return path


def _new_file(text: str) -> str:
    if Path(text).exists() or not os.access(Path(text).parent, os.W_OK):
        raise argparse.ArgumentTypeError(
            f"{text!r}; allowed: a name that is free, in a folder that can be written"
        )
    return text


def _time(text: str) -> float:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}; allowed: a date or time in UTC, such as 2026-03-01 or 2026-03-01T12:30"
        ) from None
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()


def _folder(text: str) -> str:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no folder; allowed: one of ./dev release")
    return text


def _alarms(text: str) -> notices.Config:
    try:
        return notices.read(text)
    except OSError as problem:
        raise argparse.ArgumentTypeError(
            f"{text}: {problem.strerror}; allowed: a TOML file as in docs/alarms.md"
        ) from None
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text}: {problem}") from None


def _nodes(text: str) -> list[str]:
    """Return the names in a file, one a line."""
    try:
        names = Path(text).read_text(encoding="utf-8").split()
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "no UTF-8"
        raise argparse.ArgumentTypeError(f"{text}: {why}; allowed: a name a line") from None
    for name in names:
        if not senml.NAME.fullmatch(name) or len(name) > packs.NAME_MAX:
            raise argparse.ArgumentTypeError(f"{text}: {name!r}; allowed: letters, digits, -:./_")
    return names


def port(text: str) -> int | None:
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


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a name without scheme and port")
    return text


def _topic(text: str) -> tuple[str]:
    levels = text.split("/")
    wrong = any(len(level) > 1 and set(level) & set("#+") for level in levels)
    if not text or wrong or "#" in levels[:-1] or len(text.encode()) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no topic filter, such as channels/+/#")
    return (text,)


def add(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options, and return the group of those about receiving."""
    receiving = parser.add_argument_group("receive")
    add = receiving.add_argument
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen at for UDP and CoAP; :: for all of this computer (default:"
        " 127.0.0.1, which only this computer reaches)",
    )
    for name in ("udp", "coap"):
        about = "plain UDP" if name == "udp" else "CoAP"
        add(f"--{name}", type=port, default=5683, metavar="PORT",
            help=f"port of {about}; 0: a free one; off (default: 5683)")  # fmt: skip
    add("--mqtt", type=_endpoint, metavar="HOST:PORT", help="subscribe at this MQTT broker")
    add("--topic", type=_topic, default=TOPICS, metavar="FILTER",
        help=f"topics to subscribe to (default: {' and '.join(TOPICS)})")  # fmt: skip
    add("--mqtt-user", default="", metavar="NAME", help="user name at the broker")
    add("--mqtt-password", default=os.environ.get("MQTT_PASSWORD", ""), metavar="WORD",
        help="its password; better in the environment as MQTT_PASSWORD, because others can read"
        " command lines")  # fmt: skip
    add("--client-id", default="", metavar="TEXT",
        help="at the broker, which keeps by it what comes while this process is away (default:"
        " made of the names of the computer and the database)")  # fmt: skip
    add = parser.add_argument_group("page and API").add_argument
    add("--http", type=_endpoint, default=HTTP, metavar="[HOST:]PORT",
        help="address of the page; 0: a free port; off (default: 127.0.0.1:8080, and off with"
        " --role intake and alarms)")  # fmt: skip
    add("--http-name", type=_name, action="append", default=[], metavar="NAME",
        help="a name by which browsers reach the page, as behind a proxy; may be"
        " repeated")  # fmt: skip
    add("--token-file", type=_tokens, metavar="FILE",
        help="who may use the page: a file with a line `read TOKEN`, `change TOKEN` or both; make"
        " a token with: openssl rand -hex 16 (needed unless only this computer reaches"
        " the page)")  # fmt: skip
    for name, about in (("cert", "certificate, with those above it"), ("key", "key")):
        add(f"--tls-{name}", metavar="FILE", help=f"serve the page by HTTPS: {about}, PEM")
    add = parser.add_argument_group("database").add_argument
    add("--db", type=_database, metavar="FILE|URL",
        help="write every record to this SQLite database, or to that of a PostgreSQL server:"
        f" {SCHEMES[0]}USER@HOST/NAME; give its password in the environment as"
        " PGPASSWORD")  # fmt: skip
    add("--keep", type=_count, metavar="DAYS",
        help="delete reports and their records this many days after their reception (default: keep"
        " all)")  # fmt: skip
    add("--backup", type=_new_file, metavar="FILE",
        help="copy the SQLite database of --db, as it is now, to this new file, and end; a"
        " collector may go on with it meanwhile")  # fmt: skip
    add("--forget", metavar="NODE",
        help="delete this node and all that it has reported, and end; one that reports again"
        " begins anew")  # fmt: skip
    add("--export", type=_export, metavar="FILE",
        help=f"write the records of --db to this file, which ends in {CSV} or {PARQUET}, and"
        " end")  # fmt: skip
    add("--node", metavar="NAME", help="--export: only the records of this node")
    add("--since", type=_time, metavar="TIME", default=0.0,
        help="--export: only what was measured since this date or time in UTC")  # fmt: skip
    add("--until", type=_time, metavar="TIME", default=math.inf, help="--export: and until then")
    add = parser.add_argument_group("nodes: alarms, updates").add_argument
    add("--nodes", type=_nodes, metavar="FILE",
        help="names of nodes, one a line, that are shown as never seen until they report; those of"
        " --releases are, too")  # fmt: skip
    add("--alarms", type=_alarms, metavar="FILE",
        help="limits of alarms, and where they are sent: docs/alarms.md (default:"
        " nowhere)")  # fmt: skip
    add("--test-alarm", action="store_true",
        help="send a notice to each target of --alarms, print what came back, end")  # fmt: skip
    add("--releases", type=_folder, metavar="DIR",
        help="offer the releases in this folder, which ./dev release makes, to nodes, and serve"
        " them by CoAP")  # fmt: skip
    add = parser.add_argument_group("process").add_argument
    add("--role", choices=ROLES, default=ROLES[0],
        help="what this process does: intake: receive and store, any number of them on one port"
        " and database; web: the page; alarms: watch the nodes; the last three need --db (default:"
        " all of it)")  # fmt: skip
    add("--count", type=_count, metavar="N", help="end after N messages")
    add("--json", action="store_true",
        help="print one JSON object a line for each record on stdout, everything else on"
        " stderr")  # fmt: skip
    return receiving
