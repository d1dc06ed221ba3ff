"""`_board` of the firmware's modules on this VM: calls, interrupt handlers, loops.

As emulator/vm/bridge.py does it for CPython: after each call the handlers of waiting interrupts
run, one after the other; an exception that leaves a handler ends all handlers until the next
reset.
"""

import errors
from wire import exchange, wire

FREE_TURNS = 100000  # of loops since the last call (emulator/vm/guard.py)
BATCH = 500

_handlers = {}
_left = [FREE_TURNS]


def call(name, *args):
    _left[0] = FREE_TURNS
    result = exchange(name, *args)
    if wire.pending:
        dispatch()
    return result


def on_interrupt(service, object_id, function):
    if function is None:
        _handlers.pop((service, object_id), None)
    else:
        _handlers[(service, object_id)] = function


def dispatch():
    while True:
        taken = exchange("vm.take")
        if taken is None:
            return
        handler = _handlers.get((taken[0], taken[1]))
        if handler is None:
            continue
        exchange("vm.mask", True)
        try:
            handler(taken[2])
        except (Exception, SystemExit) as error:
            exchange("vm.die")
            headline = "Unhandled exception in callback handler\n"
            exchange("vm.write", headline + errors.text(error))
        finally:
            exchange("vm.mask", False)


def spend():
    """What print() costs."""
    _left[0] = FREE_TURNS
    exchange("vm.spend")


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
