"""One command line on its way: executed part by part and answered, with the faults that strike it.

Information texts are sent as the parts yield them, one final result code ends the line
(ITU-T V.250 5.4.1), the first failing part ends it early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from emulator.board.constants import COMPARABLE, constant
from emulator.modem import errors
from emulator.modem.command_faults import AnswerFaults
from emulator.modem.engine import (
    ORDINARY_MS,
    CmeError,
    Command,
    Final,
    Line,
    Pending,
    Prompt,
    Raw,
    Result,
)
from emulator.modem.parsing import Part, parts

if TYPE_CHECKING:
    from emulator.modem.session import Session

# between information text and final result code: a URC may fall in there
GAP_MS = constant(
    (0.2, 1.0),
    "ms",
    COMPARABLE,
    "logs of Monarch 2 modems in public drivers: between information text and final result code",
)


class Execution:
    def __init__(self, session: Session, text: str, faults: AnswerFaults) -> None:
        self._session = session
        self._faults = faults
        self._parts = parts(text)
        self._pending: Pending | None = None
        self._answer = bytearray()
        self._said_anything = False
        self._began = False
        self._cancelled = False

    def start(self, garbage: bool) -> None:
        self._session.answering = ""
        if garbage:  # something before AT: the whole line is refused
            self._after(ORDINARY_MS, lambda: self._fail(CmeError(4)))
        elif self._faults.error:
            self._after(ORDINARY_MS, lambda: self._fail(CmeError(self._faults.cme)))
        elif self._faults.late_ms:
            late = (self._faults.late_ms, self._faults.late_ms)
            self._after(late, self._next)
        else:
            self._next()

    def cancel(self) -> None:
        """The modem restarts: no answer any more."""
        self._cancelled = True
        if self._pending is not None:
            self._pending.cancelled = True

    def abort(self) -> None:
        """The host did not wait for the end: what was begun goes on, its answer is ERROR."""
        self.cancel()
        if not self._faults.missing_final:
            self._session.result("ERROR")
        self._session.executed("ERROR")

    def resume(self, answer: Callable[[], Result]) -> None:
        """The data of a prompt are complete; `answer` makes the result of them."""
        self._call(answer)

    # executing

    def _next(self) -> None:
        try:
            part = next(self._parts, None)
            if part is None:
                self._end_of_line()
                return
            self._session.answering = f"{part.name} {part.form} {part.args}"
            handler, latency_ms = self._handler(part)
        except CmeError as failure:
            self._after(ORDINARY_MS, partial(self._fail, failure))
            return
        self._began = True
        self._after(latency_ms, lambda: self._call(handler))

    def _end_of_line(self) -> None:
        if self._began:
            self._final("OK")
        else:  # nothing but AT
            self._after(ORDINARY_MS, lambda: self._final("OK"))

    def _handler(self, part: Part) -> tuple[Callable[[], Result], tuple[float, float]]:
        command: Command = self._session.command(part.name)
        form: Any = getattr(command, part.form)
        if form is None:
            raise CmeError(4)
        if part.form == "set":
            return partial(form, part.args), command.latency_ms
        if isinstance(form, str):
            return lambda: [form], command.latency_ms
        return form, command.latency_ms

    def _call(self, handler: Callable[[], Result]) -> None:
        try:
            result = handler()
        except CmeError as failure:
            self._fail(failure)
        else:
            self._take(result)

    def _take(self, result: Result | CmeError) -> None:
        if self._cancelled:
            return
        if isinstance(result, CmeError):
            self._fail(result)
        elif isinstance(result, Pending):
            self._pending = result
            result.on_done(self._take)
        elif isinstance(result, Prompt):
            self._session.ask(result, self)
        elif isinstance(result, Raw):
            self._info_bytes(result.data)
            self._next()
        elif isinstance(result, Final):
            self._info(result.lines)
            if result.code == "OK":
                self._next()
            else:
                self._final(result.code)
        else:
            self._info(result or ())
            self._next()

    def _fail(self, failure: CmeError) -> None:
        self._final(errors.final_error(failure.code, self._session.cmee()))

    # answering

    def say(self, data: bytes) -> None:
        """Send a piece of the answer, behind what faults want in front of it."""
        if not self._said_anything:
            self._said_anything = True
            self._urcs("before")
            data = self._faults.prefix.encode("latin-1", "replace") + data
            data = self._session.take_glue() + data
        if self._faults.collects:
            self._answer += data
        else:
            self._session.output.answer(data)

    def _info(self, lines: Sequence[Line]) -> None:
        if lines:
            self._info_bytes(self._session.output.frame(list(lines)))

    def _info_bytes(self, data: bytes) -> None:
        if not self._faults.no_info:
            self.say(data)

    def _final(self, code: str) -> None:
        late_ms = self._faults.late_final_ms
        gap_ms = (late_ms, late_ms) if late_ms else GAP_MS
        if self._said_anything or late_ms:
            self._after(gap_ms, lambda: self._finish(code))
        else:
            self._finish(code)

    def _finish(self, code: str) -> None:
        if not self._faults.missing_final:
            data = self._session.final_bytes(code)
            if not self._said_anything:
                self.say(b"")  # what belongs in front of an answer without information
            self._urcs("between")
            self.say(data)
        if self._faults.collects:
            self._send_collected()
        self._urcs("after")
        self._session.executed(code)

    def _send_collected(self) -> None:
        first, last = self._faults.lose_first, self._faults.lose_last
        data = bytes(self._answer[first : len(self._answer) - last])
        if self._faults.glued:
            self._session.glue += data
        else:
            self._session.output.answer(data)

    def _urcs(self, place: str) -> None:
        for urc in self._faults.urcs:
            if urc.where != place:
                continue
            if self._faults.collects:
                self._answer += self._session.output.frame([urc.text])
            else:
                self._session.output.urc(urc.text)

    def _after(self, bounds_ms: tuple[float, float], call: Callable[[], None]) -> None:
        def guarded() -> None:
            if not self._cancelled:
                call()

        self._session.board.clock.schedule_ms(self._session.delay_ms(bounds_ms), guarded)
