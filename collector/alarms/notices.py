"""Where notices go: a webhook and e-mail, as a file says (docs/alarms.md).

    config = read("alarms.toml")                    # ValueError names section and field
    sender = Sender(connection, targets(config), report)
    sender.turn(time.time())                        # sends what is due

A notice is sent until its target takes it; that may be twice, so it has an id. A target that fails
is tried again after 1 min, then after pauses that double up to 1 h. What is not taken in 3 days is
given up, and counted.

Source: RFC 5321 (SMTP), RFC 3207 (STARTTLS); Python, urllib.request, smtplib, email.message.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import smtplib
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

from collector.decode import packs
from collector.storage.database import Connection

TIMEOUT_S = 10  # of each read
TRIAL_S = 30  # in all: a target that sends a byte now and then ends no read
PAUSE_S, PAUSE_MAX_S = 60, 3_600
GIVEN_UP_S, KEPT_S = 3 * 86_400, 30 * 86_400
AT_ONCE = 10  # notices of a target in a turn
PASSWORD = "COLLECT_SMTP_PASSWORD"  # in the environment

Config = dict[str, dict[str, Any]]  # section, field
Body = dict[str, Any]
Targets = Mapping[str, Callable[[Body], str]]  # each returns what came back, or raises
Report = Callable[[str, bool], None]
_FAILURES = (OSError, http.client.HTTPException, ValueError)

_ADDRESS = r"[^\s,;<>\"@]+@[^\s,;<>\"@]+"
# Default, what is allowed as a pattern or a range, the same in words. The default has the type
_FIELDS: dict[str, dict[str, tuple[Any, Any, str]]] = {
    "webhook": {
        "url": (
            "",
            r"https?://(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?(/[!-~]*)?",
            "http://HOST/PATH, https://HOST/PATH",
        ),
        "headers": ({}, r"[A-Za-z0-9_-]+: [ -~]+", '{ NAME = "text" }'),
    },
    "email": {
        "host": ("", r"[A-Za-z0-9.:-]+", "the name of a mail server"),
        "port": (587, (1, 65535), ""),
        "from": ("", _ADDRESS, "NAME@DOMAIN"),
        "to": ("", rf"{_ADDRESS}(, *{_ADDRESS})*", "NAME@DOMAIN, NAME@DOMAIN"),
        "user": ("", r"[ -~]*", "a name in ASCII"),
        "password_file": ("", r".*", "a file that can be read"),
        "tls": ("starttls", r"starttls|tls|none", "starttls, tls, none"),
    },
    "limits": {  # 0 switches a kind off
        "battery": ("v", r"[A-Za-z0-9:./_-]{1,200}", "the name of a record"),
        "battery_v": (3.5, (0, 1000), ""),
        "battery_margin_v": (0.1, (0, 100), ""),  # above it, for the end of the alarm
        "falling_days": (14.0, (0, 365), ""),
        "gaps_percent": (20.0, (0, 100), ""),
        "cause_times": (5, (0, 50), ""),
        "release_days": (7.0, (0, 365), ""),
        "silent_after": (3.0, (1.5, 1000), ""),  # periods
    },
}


def read(path: str | None) -> Config:
    """Return the content of a file, without one the defaults. OSError or ValueError."""
    table: dict[str, Any] = {}
    if path:
        if sys.version_info >= (3, 11):
            import tomllib
        else:  # a package that nothing else here needs
            import tomli as tomllib
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    for section in table:
        if section not in _FIELDS or not isinstance(table[section], dict):
            raise ValueError(f"{section}; allowed: [{'], ['.join(_FIELDS)}]")
    config = {
        section: _checked(section, table.get(section, {}))
        for section in _FIELDS
        if section in table or section == "limits"
    }
    mail = config.get("email")
    if mail and mail["tls"] == "none" and mail["user"]:
        raise ValueError("[email] tls = 'none'; allowed with user: starttls, tls")
    return config


def _checked(section: str, table: dict[str, Any]) -> dict[str, Any]:
    fields = _FIELDS[section]
    values = {name: default for name, (default, _, _) in fields.items()} | table
    for name, value in values.items():
        if name not in fields:
            raise ValueError(f"[{section}] {name} = {value!r}; allowed: {', '.join(fields)}")
        default, allowed, words = fields[name]
        kinds = (int, float) if isinstance(default, float) else (type(default),)
        is_good = type(value) in kinds
        if isinstance(allowed, tuple):
            words = "{} to {}".format(*allowed)
            is_good = is_good and allowed[0] <= value <= allowed[1]
        elif is_good:
            texts = [f"{a}: {b}" for a, b in value.items()] if default == {} else [value]
            is_good = all(re.fullmatch(allowed, text, re.ASCII) for text in texts)
        if is_good and name == "password_file" and value:
            is_good = os.access(value, os.R_OK) and not os.path.isdir(value)
        if not is_good:
            raise ValueError(f"[{section}] {name} = {value!r}; allowed: {words}")
    return values


def targets(config: Config) -> Targets:
    known = {"webhook": _post, "email": _mail}
    return {name: partial(known[name], config[name]) for name in known if name in config}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A notice goes to the host in the file, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(target: dict[str, Any], body: Body) -> str:
    headers = {"Content-Type": "application/json", "User-Agent": "collect", **target["headers"]}
    request = urllib.request.Request(target["url"], json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(request, timeout=TIMEOUT_S) as answer:  # of 2xx; others raise
        return f"status {answer.status}"


def _mail(target: dict[str, Any], body: Body) -> str:
    message = EmailMessage()
    message["From"], message["To"] = target["from"], target["to"]
    message["Subject"] = "collect: " + packs.printable(body["subject"])
    message["Message-ID"] = f"<collect-{body['id']}@{target['from'].rpartition('@')[2]}>"
    message.set_content(body["text"] + "\n")
    secure, password = ssl.create_default_context(), os.environ.get(PASSWORD, "")
    if target["password_file"]:
        password = Path(target["password_file"]).read_text(encoding="utf-8").strip()
    with (
        smtplib.SMTP_SSL(target["host"], target["port"], timeout=TIMEOUT_S, context=secure)
        if target["tls"] == "tls"
        else smtplib.SMTP(target["host"], target["port"], timeout=TIMEOUT_S)
    ) as server:
        if target["tls"] == "starttls":
            server.starttls(context=secure)
        if target["user"]:
            server.login(target["user"], password)
        refused = server.send_message(message)
    return "taken" + (f", but not for {', '.join(refused)}" if refused else "")


class Sender:
    def __init__(self, connection: Connection, targets: Targets, report: Report) -> None:
        """report(text, ok): told when a target fails, and when it works again."""
        self._database, self._targets, self._report = connection, targets, report
        self._failing: set[str] = set()
        self._trials: dict[str, threading.Thread] = {}

    def turn(self, now: float) -> None:
        """Send what is due. A target that hangs takes TRIAL_S."""
        old, values = "sent IS NULL AND created < ?", (now - GIVEN_UP_S,)
        [(late,)] = self._database.execute(f"SELECT count(*) FROM notice WHERE {old}", values)
        if late:
            self._database.execute(f"UPDATE notice SET sent = 0 WHERE {old}", values)
            self._report(f"alarms: {late} notices given up after 3 days", False)
        self._database.execute("DELETE FROM notice WHERE created < ?", (now - KEPT_S,))
        for name in self._targets:
            self._send(name, now)

    def _send(self, name: str, now: float) -> None:
        for number, body, tries in self._database.execute(
            "SELECT id, body, tries FROM notice WHERE sent IS NULL AND target = ?"
            " AND (due <= ? OR due > ?) ORDER BY id LIMIT ?",  # a clock was ahead
            (name, now, now + PAUSE_MAX_S, AT_ONCE),
        ):
            try:
                self._try(name, {"id": number, **json.loads(body)})
            except _FAILURES as problem:
                due = now + min(PAUSE_S * 2 ** min(tries, 10), PAUSE_MAX_S)
                self._database.execute(  # those behind it wait, too
                    "UPDATE notice SET due = ?, tries = tries + CASE id WHEN ? THEN 1 ELSE 0 END"
                    " WHERE sent IS NULL AND target = ?",
                    (due, number, name),
                )
                if name not in self._failing:
                    self._failing.add(name)
                    text = f"alarms: {name}: {packs.printable(str(problem))}; tried again"
                    self._report(text, False)
                return
            self._database.execute("UPDATE notice SET sent = ? WHERE id = ?", (now, number))
            if name in self._failing:
                self._failing.remove(name)
                self._report(f"alarms: {name}: works again", True)

    def _try(self, name: str, body: Body) -> None:
        """Send in a thread, so that alarms go on. One that hangs is waited for again."""
        outcome: list[BaseException | None] = []

        def send() -> None:
            try:
                self._targets[name](body)
                outcome.append(None)
            except BaseException as problem:  # noqa: BLE001 raised below
                outcome.append(problem)

        before = self._trials.get(name)
        if before is None or not before.is_alive():
            self._trials[name] = threading.Thread(target=send, name=name, daemon=True)
            self._trials[name].start()
        self._trials[name].join(TRIAL_S)
        if not outcome:
            raise TimeoutError(f"no answer in {TRIAL_S} s")
        if outcome[0] is not None:
            raise outcome[0]


def test(config: Config) -> bool:
    """Send a notice to each target, print what came back; return whether all took it."""
    now = time.time()
    body = {"id": f"test-{now:.0f}", "time": now, "subject": "test", "changes": [],
            "text": "A test of the alarms of the collector."}  # fmt: skip
    is_good = True
    for name, send in targets(config).items():
        try:
            print(f"{name}: {send(body)}")
        except _FAILURES as problem:
            print(f"{name}: {packs.printable(str(problem))}")
            is_good = False
    return is_good
