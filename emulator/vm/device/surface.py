"""The names of a module that device code is shown: those that a board has, for both VMs in the
language that both know.

What the emulation's own module has beside them stays hidden. What it lacks of them is made here: a
constant has its value, and everything else raises NotEmulated when it is used.
Source of the names: emulator/names/table.txt.
"""


class NotEmulated(Exception):
    """A name that boards have and the emulation has not. No board raises this."""


class Missing:
    """A function, an object or a type that is there by name only."""

    def __init__(self, path, note):
        self._path = path
        self._note = note

    def _refuse(self):
        self._note(self._path)
        raise NotEmulated(
            self._path + " is on the board, not emulated: see docs/emulation.md, Names"
        )

    def __call__(self, *args, **keywords):
        self._refuse()

    def __getitem__(self, key):
        self._refuse()

    def __setitem__(self, key, value):
        self._refuse()


class MissingObject(Missing):
    def __getattr__(self, name):
        self._refuse()


def missing(path, names, note):
    """What stands for a name that the emulation lacks. names: of a class, the value of a
    constant, or None; note(path): is told of each use."""
    if names is None:
        return Missing(path, note)
    if not isinstance(names, dict):
        return names
    refusing = Missing(path, note)

    def new(self, *args, **keywords):
        refusing()

    kind = type(path.split(".")[-1], (), {"__init__": new})
    for name in names:
        if name[:2] != "__":  # one by one: some cores find a long name only so
            setattr(kind, name, missing(path + "." + name, names[name], note))
    return kind


def fill(path, kind, names, note):
    """Give a class of the emulation the names that it lacks."""
    for name in names:
        if name[:2] != "__" and not hasattr(kind, name):
            try:
                setattr(kind, name, missing(path + "." + name, names[name], note))
            except (AttributeError, TypeError):  # a type of the VM
                return


def face(module, whole, name, names, note):
    """Put into `module` what device code sees of `whole`, the module of the emulation or None."""
    for key in names:
        if whole is not None and hasattr(whole, key):
            value = getattr(whole, key)
            if isinstance(names[key], dict) and isinstance(value, type):
                fill(name + "." + key, value, names[key], note)
        else:
            value = missing(name + "." + key, names[key], note)
        setattr(module, key, value)
    return module
