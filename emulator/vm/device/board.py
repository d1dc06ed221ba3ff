"""`_board` of the firmware's modules on this VM: calls, interrupt handlers, loops.

As emulator/vm/bridge.py does it for CPython: after each call the handlers of waiting interrupts
run.
"""

import errors
from handlers import Handlers
from wire import exchange, wire

FREE_TURNS = 100000  # of loops since the last call (emulator/vm/guard.py)
BATCH = 500

_left = [FREE_TURNS]


def call(name, *args):
    _left[0] = FREE_TURNS
    result = exchange(name, *args)
    if wire.pending:
        dispatch()
    return result


def _report(headline, error):
    exchange("vm.write", headline + "\n" + errors.text(error))


_handlers = Handlers(
    lambda: exchange("vm.take"),
    lambda on: exchange("vm.mask", on),
    lambda: exchange("vm.die"),
    _report,
)
on_interrupt = _handlers.on_interrupt
dispatch = _handlers.dispatch


def spend():
    """What print() costs."""
    _left[0] = FREE_TURNS
    exchange("vm.spend")


def parsed(text, function):
    """What compiling a text given to exec(), eval() or compile() costs; the text to take."""
    if isinstance(text, (bytes, bytearray)):
        text = bytes(text).decode()
    if isinstance(text, str):
        _left[0] = FREE_TURNS
        return exchange("vm.parsed", text, function)
    return text


# The turns of loops: the board puts these calls into the source it serves (emulator/vm/source.py).


def tick():
    _left[0] -= 1
    if _left[0] < 0:
        exchange("vm.loop")
        if wire.pending:
            dispatch()
            exchange("vm.looping")
        _left[0] = BATCH


def tick_while(condition):
    if condition:
        tick()
    return condition


def tick_each(items):
    for item in items:
        tick()
        yield item
