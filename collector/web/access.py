"""Who may use the page and the API: tokens, sessions, the Host header, where a POST comes from.

    access = Access(read_tokens(Path("tokens")))       # Access({}): no password, everybody may all
    role = access.role(authorization, cookie, peer)    # READ, CHANGE, or None; Limited

A token file has up to two lines, `read TOKEN` and `change TOKEN`. A session is a cookie with a
role, an end and a MAC whose key is made from the token of that role: it holds no token, survives a
restart of the program, and ends when the token is changed. After FAILURES_MAX wrong tokens
a network may try again a minute later; sessions go on.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import stat
import time
from collections import OrderedDict
from pathlib import Path
from urllib.parse import urlsplit

READ, CHANGE = "read", "change"
TOKEN_MIN = 16  # characters
SESSION_S = 30 * 86_400
FAILURES_MAX, FAILURES_S = 10, 60.0
PEERS_MAX = 1_000  # that are remembered

_LINE = re.compile(r"(read|change)[ \t]+([!-~]+)")


class Limited(Exception):
    """Too many wrong tokens from there."""


def read_tokens(path: Path) -> dict[str, str]:
    """Return the tokens by their roles. ValueError says what is wrong."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise ValueError(getattr(problem, "strerror", None) or "no text") from None
    tokens: dict[str, str] = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None or found[1] in tokens or len(found[2]) < TOKEN_MIN:
            raise ValueError(
                f"line {lines.index(line) + 1}; allowed: read TOKEN and change TOKEN, once each,"
                f" of {TOKEN_MIN} characters or more without a space"
            )
        tokens[found[1]] = found[2]
    if not tokens or len(set(tokens.values())) != len(tokens):
        raise ValueError("allowed: read TOKEN, change TOKEN or both, with different tokens")
    return tokens


def is_open_to_others(path: Path) -> bool:
    """Return True if other users of this computer can read the file."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


class Access:
    """For one thread."""

    def __init__(self, tokens: dict[str, str]) -> None:
        """tokens: by roles; {}: everybody may do everything."""
        self.needs_token = bool(tokens)
        self._digests = {role: _digest(token) for role, token in tokens.items()}
        self._keys = {
            role: hmac.digest(token.encode(), b"session", "sha256")
            for role, token in tokens.items()
        }
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def role(self, authorization: str, cookie: str, peer: str) -> str | None:
        """Return the role of a request; None if it has none. Limited after wrong tokens."""
        if not self.needs_token:
            return CHANGE
        if authorization:
            kind, _, token = authorization.partition(" ")
            return self.role_of(token.strip(), peer) if kind.lower() == "bearer" else None
        return self._role_of_session(cookie) if cookie else None

    def role_of(self, token: str, peer: str) -> str | None:
        """Return the role of a token."""
        network = _network(peer)
        now_s = time.monotonic()
        failures = [at for at in self._failures.get(network, []) if now_s - at < FAILURES_S]
        if len(failures) >= FAILURES_MAX:
            raise Limited
        found = None
        for role, digest in self._digests.items():  # all of them, however early one fits
            if hmac.compare_digest(digest, _digest(token)):
                found = role
        if found is None:
            self._failures[network] = [*failures, now_s]
            self._failures.move_to_end(network)
            while len(self._failures) > PEERS_MAX:
                self._failures.popitem(last=False)
        return found

    def session(self, role: str) -> str:
        """Return the value of a cookie."""
        content = f"{role}.{int(time.time()) + SESSION_S}"
        return f"{content}.{self._mac(role, content)}"

    def _role_of_session(self, cookie: str) -> str | None:
        content, _, mac = cookie.rpartition(".")
        role, _, end = content.partition(".")
        if role not in self._keys or not (end.isascii() and end.isdigit()) or len(end) > 12:
            return None
        if not mac.isascii() or not hmac.compare_digest(self._mac(role, content), mac):
            return None
        return role if int(end) > time.time() else None

    def _mac(self, role: str, content: str) -> str:
        return hmac.new(self._keys[role], content.encode(), "sha256").hexdigest()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _network(peer: str) -> str:
    """Return an address, of IPv6 the network that one user has."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def is_loopback(host: str) -> bool:
    """Return True for localhost and addresses that only this computer reaches."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_this_computer(host: str, names: frozenset[str]) -> bool:
    """Return True if a Host header is an address, localhost, or one of the names given.

    Any other name may be one of a stranger that points here (DNS rebinding).
    """
    try:
        name = (urlsplit("//" + host).hostname or "").lower()
    except ValueError:
        return False
    if name and (name == "localhost" or name in names):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def is_same_origin(headers: dict[str, str], host: str) -> bool:
    """Return True if a request comes from our own page, or from no browser."""
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("Origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()
