"""machine.Pin. Source: Pycom firmware 1.20.2.r4, esp32/mods/machpin.c, boards/FIPY/pins.csv."""

from _arguments import method
from _board import call, on_interrupt
from _texts import BADVAL

# Expansion board name of P0, P1, ...
_EXPANSION = (
    "G2", "G1", "G23", "G24", "G11", "G12", "G13", "G14", "G15", "G16", "G17", "G22",
    "G28", "G5", "G4", "G0", "G3", "G31", "G30", "G6", "G7", "G8", "G9", "G10",
)  # fmt: skip

_MODES = {1: "IN", 2: "OUT", 7: "OPEN_DRAIN"}
_PULLS = {None: "None", 1: "Pin.PULL_UP", 2: "Pin.PULL_DOWN"}

_pins = {}
_names = []


def _name_of(which):
    if isinstance(which, Pin):
        return which.id()
    if not isinstance(which, str):
        raise ValueError(BADVAL)
    if which in _EXPANSION:
        which = "P" + str(_EXPANSION.index(which))
    if not _names:
        _names.extend(call("pins.names"))
    if which not in _names:
        raise ValueError(BADVAL)
    return which


def pin_named(which):
    """The object of a pin given by name or as a Pin, its settings untouched."""
    name = _name_of(which)
    if name not in _pins:
        pin = object.__new__(Pin)
        pin._name = name
        _pins[name] = pin
    return _pins[name]


class _Names:
    """Pin.module and Pin.exp_board: pins as attributes."""

    def __getattr__(self, name):
        try:
            return pin_named(name)
        except ValueError:
            raise AttributeError(name)  # noqa: B904 - this VM drops causes


class Pin:
    IN, OUT, OPEN_DRAIN = 1, 2, 7
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_RISING, IRQ_FALLING, IRQ_LOW_LEVEL, IRQ_HIGH_LEVEL = 1, 2, 4, 5
    module = _Names()
    exp_board = _Names()

    def __new__(cls, id, *args, **kwargs):
        return pin_named(id)

    def __init__(self, id, mode=1, pull=None, *, value=None, alt=-1):
        self.init(mode, pull, value=value)

    def init(self, mode=1, pull=None, *, value=None, alt=-1):
        level = None if value is None else (1 if value else 0)
        call("pins.init", self._name, mode, pull, level)

    def id(self):
        return self._name

    def value(self, *level):
        if not level:
            return call("pins.read", self._name)
        call("pins.write", self._name, 1 if level[0] else 0)

    def __call__(self, *level):
        return self.value(*level)

    toggle = method("pins.toggle", "_name")

    def mode(self, *mode):
        if not mode:
            return call("pins.mode", self._name)
        call("pins.set", self._name, mode[0], self.pull())

    def pull(self, *pull):
        if not pull:
            return call("pins.pull", self._name)
        call("pins.set", self._name, self.mode(), pull[0])

    def hold(self, *on):
        held = call("pins.hold", self._name, bool(on[0]) if on else None)
        return None if on else held

    def callback(self, trigger=0, handler=None, arg=None):
        index = call("pins.index", self._name)
        if handler is None or not trigger:
            on_interrupt("pins", index, None)
            call("pins.watch", self._name, 0)
            return
        given = self if arg is None else arg
        on_interrupt("pins", index, lambda trigger: handler(given))
        call("pins.watch", self._name, trigger)

    def __repr__(self):
        mode, pull = _MODES[self.mode()], _PULLS[self.pull()]
        return "Pin('{}', mode=Pin.{}, pull={}, alt=-1)".format(self._name, mode, pull)
