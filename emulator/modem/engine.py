"""What a family of AT commands is made of: the contract between the engine and the commands.

    class Clock(Family):
        def commands(self):
            return {"+CCLK": Command(read=self.read_cclk, set=self.set_cclk)}

        def read_cclk(self):
            return ['+CCLK: "70/01/01,00:00:00+00"']

        def set_cclk(self, args):
            raise CmeError(3)

A handler gets its parameters (`set` only) as a list of str (quoted, without the quotes, or a bare
word), int (unquoted number) and None (left empty), and returns one of

    list        information lines (str, sent as Latin-1, or bytes), [] or None for none; then OK
    Raw         bytes that stand in place of the information text, framing included; then OK
    Final       another final result code, such as CONNECT or NO CARRIER
    Pending     the answer comes later; whoever holds the Pending finishes or fails it
    Prompt      "> " is shown, raw bytes are taken, and `on_data` answers as a handler would

or raises CmeError. One list of lines is never torn apart by a URC, so a counted payload is simply
a second "line". Lines are executed by `emulator.modem.session`.

Source of the framing: ITU-T V.250 5.7, 3GPP TS 27.007, Sequans Monarch output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emulator.board.constants import COMPARABLE, constant

Arg = str | int | None
Args = list[Arg]
Line = str | bytes

# what an ordinary command takes on this modem
ORDINARY_MS = constant((5.0, 20.0), "ms", COMPARABLE, "logs of Monarch 2 modems in public drivers")


class CmeError(Exception):
    """The command fails: ERROR, or +CME ERROR as +CMEE says. None: plain ERROR in any case."""

    def __init__(self, code: int | None = 4) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Final:
    """A final result code other than OK and ERROR ("CONNECT", "NO CARRIER")."""

    code: str
    lines: Sequence[Line] = ()


@dataclass(frozen=True)
class Raw:
    """Bytes to send as they are in place of the framed information text."""

    data: bytes


class Pending:
    """The answer of a command that takes its time. Only the first finish/fail counts."""

    def __init__(self) -> None:
        self.cancelled = False  # the modem restarted meanwhile: nobody waits any more
        self._result: Result | CmeError | None = None
        self._deliver: Callable[[Result | CmeError], None] | None = None

    @property
    def done(self) -> bool:
        return self._result is not None

    def finish(self, lines: Sequence[Line] = (), final: str = "OK") -> None:
        self._settle(Final(final, tuple(lines)))

    def fail(self, cme: int | None = 3) -> None:
        self._settle(CmeError(cme))

    def on_done(self, deliver: Callable[[Result | CmeError], None]) -> None:
        """For the engine: hand the result to `deliver`, at once if it is there already."""
        self._deliver = deliver
        if self._result is not None:
            deliver(self._result)

    def _settle(self, result: Result | CmeError) -> None:
        if self._result is not None or self.cancelled:
            return
        self._result = result
        if self._deliver is not None:
            self._deliver(result)


@dataclass(frozen=True)
class Prompt:
    """Take raw bytes after "\\r\\n> ": exactly `count`, or up to Ctrl-Z if that is None.

    With `hex` the host sends 2 x `count` hex characters and `on_data` gets the decoded bytes.
    Without a count ESC abandons: `on_data` is not called and the answer is OK.
    """

    count: int | None
    on_data: Callable[[bytes], Result]
    hex: bool = False
    answer_ms: tuple[float, float] = (15.0, 25.0)  # from the last byte to OK
    limit: int = 1500  # without a count, bytes beyond are discarded


Result = Sequence[Line] | Raw | Final | Pending | Prompt | None
Form = Callable[[], Result] | str  # a handler, or the line that it always answers with


@dataclass(frozen=True)
class Command:
    """The forms of one command: NAME=..., NAME?, NAME=? and NAME alone."""

    set: Callable[[Args], Result] | None = None
    read: Form | None = None
    test: Form | None = None
    execute: Form | None = None
    latency_ms: tuple[float, float] = field(default=ORDINARY_MS)


def nothing() -> Result:
    """A handler that answers OK and no more (the test form of many commands)."""
    return None


def integer(args: Args, index: int, low: int, high: int, default: int | None = None) -> int:
    """Parameter `index` as a number within low..high; CME 50 if it is missing or anything else."""
    value = args[index] if index < len(args) else None
    if value is None:
        value = default
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or not low <= value <= high:
        raise CmeError(50)
    return value


def text(args: Args, index: int, default: str | None = None) -> str:
    """Parameter `index` as text; CME 50 if it is missing and has no default."""
    value = args[index] if index < len(args) else None
    if value is None:
        value = default
    if value is None:
        raise CmeError(50)
    return str(value)


def at_most(args: Args, count: int) -> None:
    """CME 50 if there are more than `count` parameters."""
    if len(args) > count:
        raise CmeError(50)
