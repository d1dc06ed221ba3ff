"""Programs of Debian packages: found, or installed once where that is allowed.

    path = debian.program("mosquitto", "mosquitto")      # name of the program, of the package
    why = debian.why_not("mosquitto")                    # if that was None

Installing needs apt-get and root, or sudo that asks for no password. Services that a package would
start are kept from starting.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

_PLACES = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin"))
_LIMIT_S = 300
_LOCK_WAIT = ("-o", "DPkg::Lock::Timeout=60")  # another one may be installing
_MOST_REASON = 200
_reasons: dict[str, str] = {}  # of a package, why it is not there


def find(name: str) -> str | None:
    """The path of a program; places for administrators are looked at as well."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # not on anybody's path
    places = os.pathsep.join([_PLACES, *map(str, versions)])
    return shutil.which(name) or shutil.which(name, path=places)


def program(name: str, package: str) -> str | None:
    """The path of a program, its package installed if need be; None if that cannot be done."""
    found = find(name)
    if found is None and package not in _reasons:
        reason = _install(name, package)
        found = find(name)
        if found is None:
            _reasons[package] = reason or f"package {package} has no program {name}"
    return found


def why_not(package: str) -> str:
    """Why `program` gave None, as one line; "" if it did not."""
    return _reasons.get(package, "")


def _install(name: str, package: str) -> str:
    """Why it failed, "" if it did not."""
    if shutil.which("apt-get") is None:
        return "there is no apt-get"
    rights = _rights()
    if rights is None:
        return "neither root nor sudo without a password"
    # Of several processes that miss it one installs it, and the others wait for that one.
    folder = Path(tempfile.gettempdir())
    with (folder / f"devkit-apt-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find(name) is not None:
            return ""
        failed = folder / f"devkit-apt-{os.getuid()}-{package}.failed"
        return _apt(rights, package, failed)


def _rights() -> Sequence[str] | None:
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    allowed = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)
    return None if allowed.returncode else (sudo, "-n")


def _apt(rights: Sequence[str], package: str, failed: Path) -> str:
    """Install, after fetching the lists anew if the first try fails. What failed is not tried
    again by those who wait in the same run."""
    parent = str(os.getppid())
    if failed.is_file() and failed.read_text(encoding="utf-8").split("\n")[0] == parent:
        return failed.read_text(encoding="utf-8").partition("\n")[2]
    install = ["install", "--yes", "--no-install-recommends", package]
    reason = _run(rights, install)
    if reason:
        _run(rights, ["update"])
        reason = _run(rights, install)
    if not reason and Path("/run/systemd/system").is_dir():
        # no server of this computer is to begin because of a test; without such a unit it fails
        stop = [*rights, "systemctl", "disable", "--now", package]
        subprocess.run(stop, capture_output=True, check=False)
    if reason:
        failed.write_text(f"{parent}\n{reason}", encoding="utf-8")
    return reason


def _run(rights: Sequence[str], words: Sequence[str]) -> str:
    """Run apt-get; the end of what it said if it failed, else ""."""
    settings = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]  # 1: invoke-rc.d starts nothing
    command = [*rights, "env", *settings, "apt-get", "--quiet", *_LOCK_WAIT, *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_LIMIT_S,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"apt-get {words[0]}: {problem}"[:_MOST_REASON]
    if not done.returncode:
        return ""
    last = (done.stderr or done.stdout).strip().splitlines()[-1:]
    return f"apt-get {words[0]}: {' '.join(last)}"[:_MOST_REASON]
