"""The connection to a board: its raw REPL, by mpremote, and calls that notice lost bytes.

A serial line without flow control loses bytes, and Python text from which a byte is missing may
still mean something: another path, a shorter file. So everything but a first short text travels
as base64 with its Adler-32, and so does each answer. What does not check is a broken transfer, and
`reconnect` starts anew.

    repl = Repl("/dev/ttyUSB0")
    repl.connect()
    repl.call("look", "/flash/main.py", -1)
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import struct
import time
import zlib
from binascii import b2a_base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import serial
import serial.tools.list_ports
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

PATIENCE_S = 10.0  # for a byte of an answer: above the 9.5 s of the slowest single AT command
ATTEMPT_S = 2.0
# Above anything that one call takes. A board whose computer has gone restarts after it.
WATCHDOG_MS = 60_000
PIECE_BYTES = 512  # of a longer text, in one message
_ANSWER = re.compile(rb"<<(\d+) (\d+) (.*)>>", re.DOTALL)
_T = TypeVar("_T")
_HERE = Path(__file__).parent
_AGENT = "agent.py"

# Sent as it is, so it is short, and a damaged one is noticed at the first message. A message is a
# line of JSON, the function and its arguments, and then perhaps bytes. "+" collects a text. The
# agent's names are apart from those of the interrupted program, and it keeps them when all is sent
# once more: a file may be open.
_BOOTSTRAP = """
try:
    import ubinascii as _b, ujson as _j
except ImportError:
    import binascii as _b, json as _j
try:
    _agent
except NameError:
    _agent = {}
_text = b''
def _sum(m):
    a = 1
    b = 0
    for x in m:
        a = (a + x) % 65521
        b = (b + a) % 65521
    return a, b
def _call(t, a, b):
    global _text
    m = _b.a2b_base64(t)
    if _sum(m) != (a, b):
        r = ['damaged']
    else:
        if _agent.get('watchdog'):
            _agent['watchdog'].feed()
        i = m.find(b'\\n')
        h = _j.loads(m[:i].decode())
        m = m[i + 1:]
        try:
            r = None
            if h[0] == '+':
                _text = _text + m if h[1] else m
            elif h[0] == 'exec':
                exec(_text.decode(), _agent)
            else:
                r = _agent[h[0]](*(h[1:] + ([m] if m else [])))
            r = ['done', r]
        except Exception as e:
            r = ['raised', e.__class__.__name__, str(e.args[0]) if e.args else '']
    m = _j.dumps(r)
    a, b = _sum(m.encode())
    print('<<%d %d %s>>' % (a, b, m))
"""


class DeployError(Exception):
    """The deployment cannot go on; the text is for the user."""


class NoPort(DeployError):
    """There is no such port."""


class Broken(DeployError):
    """The transfer broke: bytes were lost, or the board or the port has gone."""


class BoardError(Exception):
    """A function raised on the board: name of the exception, and its first argument as text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"the board raised {name}({text})")
        self.name = name
        self.text = text

    @property
    def is_full(self) -> bool:
        """ENOSPC; newlib's number is that of Linux."""
        return self.name == "OSError" and self.text == str(errno.ENOSPC)


class _Transport(SerialTransport):
    """mpremote's, except that a line which never falls silent does not keep us for ever."""

    patience_s = PATIENCE_S

    def read_until(
        self,
        min_num_bytes: int,
        ending: bytes,
        timeout: float | None = None,
        data_consumer: object = None,
        timeout_overall: float | None = None,
    ) -> bytes:
        patience_s = min(timeout or self.patience_s, self.patience_s)
        overall_s = timeout_overall or 6 * self.patience_s
        data = bytearray()
        begin = last = time.monotonic()
        while not data.endswith(ending):
            new = self.serial.read(1)  # waits `serial.timeout`
            now = time.monotonic()
            if new:
                data += new
                last = now
            elif now >= last + patience_s:
                break
            if now >= begin + overall_s:
                break
        return bytes(data)


class Repl:
    """One board. `wait_s`: how long to try for a REPL; a sleeping node has none until it wakes."""

    def __init__(
        self, port: str, *, wait_s: float = 15.0, patience_s: float | None = None
    ) -> None:
        self.port = port
        self.wait_s = wait_s
        self.patience_s = PATIENCE_S if patience_s is None else patience_s
        self._transport: _Transport | None = None
        self._parts = [_AGENT]  # files of the agent

    def connect(self) -> None:
        """Open the port, interrupt the program, load the agent. DeployError if one fails."""
        self._transport = self._opened()
        try:
            self._enter()
            try:
                self._load()
            except (Broken, BoardError):  # a text that lost a byte may also raise there
                self._enter()
                self._load()
        except BoardError as problem:
            self.close()
            raise DeployError(f"the board cannot be prepared: {problem}") from problem
        except DeployError:
            self.close()
            raise

    def reconnect(self) -> None:
        """Start anew after Broken: files on the board stay as they are."""
        self.close()
        try:
            self.connect()
        except DeployError as problem:
            raise Broken(str(problem)) from problem

    def steadily(self, action: Callable[..., _T], *arguments: object) -> _T:
        """Do it; if the transfer breaks, once more over a new connection."""
        try:
            return action(*arguments)
        except Broken:
            self.reconnect()
            return action(*arguments)

    def close(self) -> None:
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.serial.reset_output_buffer()
                self._transport.close()
            self._transport = None

    def call(self, name: str, *arguments: object, data: bytes = b"") -> Any:
        """Result of a function of the agent. Raises Broken, or BoardError if it raised."""
        answer = self._answer(json.dumps([name, *arguments]).encode() + b"\n" + data)
        if answer[0] == "done":
            return answer[1]
        if answer[0] == "raised":
            raise BoardError(answer[1], answer[2])
        raise Broken("the board got a damaged message")

    def restart(self) -> None:
        """Reset the board, which runs boot.py and main.py then; no answer comes."""
        with contextlib.suppress(TransportError, OSError, struct.error, Broken):
            transport = self._connected()
            with _quiet():
                transport.exec_raw_no_follow("import machine\nmachine.reset()")
                # A board without machine.reset() says so, and gets a soft reset.
                if b"Error" in transport.read_until(1, b"\x04>", timeout=0.5, timeout_overall=2):
                    transport.serial.write(b"\x02\x04")

    def format(self, file_system: str) -> None:
        """Let the board format its flash with this file system at a start, which it makes now."""
        code = f"import pycom\npycom.bootmgr(fs_type=pycom.{file_system}, reset=True)"
        with contextlib.suppress(TransportError, OSError, struct.error):
            self._connected().exec_raw_no_follow(code)
            with _quiet():
                self._connected().read_until(1, b"\x04>", timeout=2, timeout_overall=5)

    def _connected(self) -> _Transport:
        if self._transport is None:
            raise Broken("the port is closed")
        return self._transport

    def _opened(self) -> _Transport:
        try:
            transport = _Transport(self.port, timeout=0.05, exclusive=True)
        except TransportError:
            raise _port_problem(self.port) from None
        except (ValueError, OSError) as problem:
            raise DeployError(f"{self.port} cannot be used as a serial port: {problem}") from None
        transport.serial.write_timeout = self.patience_s
        transport.patience_s = self.patience_s
        return transport

    def _enter(self) -> None:
        """Ctrl-C and Ctrl-A, again and again: the program may be in a call that cannot be
        interrupted, or the board asleep."""
        transport = self._connected()
        deadline = time.monotonic() + self.wait_s
        attempt_s = min(ATTEMPT_S, self.patience_s)
        while True:
            try:
                with _quiet():
                    transport.patience_s = attempt_s
                    transport.serial.timeout = 0.05
                    transport.enter_raw_repl(soft_reset=False, timeout_overall=attempt_s)
                transport.patience_s = self.patience_s
                transport.serial.timeout = min(1.0, self.patience_s)  # for a bare read(2)
                return
            except TransportError:
                if time.monotonic() >= deadline:
                    raise DeployError(
                        f"no MicroPython REPL answers on {self.port}: wake or reset the board,"
                        " see that its REPL is on this port at 115200 baud, or give it longer by"
                        " --wait"
                    ) from None
            except OSError as problem:
                raise Broken(f"{self.port} failed: {problem}") from problem

    def _load(self) -> None:
        self._execute(_BOOTSTRAP.encode())
        for part in self._parts:
            self.load(_sent((_HERE / part).read_text(encoding="ascii")))
        self.call("watch", WATCHDOG_MS)

    def extend(self, part: str) -> None:
        """Have the functions of another file of the agent, too."""
        if part not in self._parts:
            self._parts.append(part)
            self.load(_sent((_HERE / part).read_text(encoding="ascii")))

    def load(self, text: str) -> None:
        """Run a longer text in the agent."""
        data = text.encode()
        for start in range(0, len(data), PIECE_BYTES):
            self.call("+", start > 0, data=data[start : start + PIECE_BYTES])
        self.call("exec")

    def _answer(self, message: bytes) -> list[Any]:
        text = b2a_base64(message, newline=False).decode()
        check = zlib.adler32(message)
        output = self._execute(f"_call(b'{text}',{check & 0xFFFF},{check >> 16})".encode())
        # Anything else is of the interrupted program's threads and callbacks.
        found = _ANSWER.search(output)
        if found is None:
            raise Broken("the board gave no answer")
        check = zlib.adler32(found[3])
        if (check & 0xFFFF, check >> 16) != (int(found[1]), int(found[2])):
            raise Broken("the board's answer came damaged")
        answer: list[Any] = json.loads(found[3])
        return answer

    def _execute(self, code: bytes) -> bytes:
        transport = self._connected()
        try:
            with _quiet():
                output, error = transport.exec_raw(code, timeout=self.patience_s)
        except (TransportError, OSError, struct.error) as problem:
            raise Broken(f"the connection to the board broke: {problem}") from problem
        if error:
            last = error.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise Broken(f"the board did not understand a message: {''.join(last)}")
        return bytes(output)


@contextlib.contextmanager
def _quiet() -> Any:
    """mpremote prints what it did not expect; our errors say it in a line."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _sent(text: str) -> str:
    """The agent without what only people read: it goes over a slow line."""
    text = re.sub(r'^ *"""[^"]*"""\n', "", text, flags=re.MULTILINE)
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    return "\n".join(lines) + "\n"


def _port_problem(port: str) -> DeployError:
    """Why a port did not open; mpremote does not tell."""
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except OSError as problem:
        code = problem.errno
        if code == errno.ENOENT or (code is None and not os.path.exists(port)):
            ports = [each.device for each in serial.tools.list_ports.comports()]
            return NoPort(f"there is no port {port}; there are: {', '.join(ports) or 'none'}")
        if code in (errno.EBUSY, errno.EAGAIN):
            return DeployError(f"{port} is busy: close the program that has it open, then again")
        if code in (errno.EACCES, errno.EPERM):
            return DeployError(
                f"{port} may not be opened by you: on most systems the group dialout or uucp may"
            )
        return DeployError(f"{port} cannot be opened as a serial port: {problem}")
    return DeployError(f"{port} was busy for a moment: try again")
