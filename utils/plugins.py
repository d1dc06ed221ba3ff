"""Plug-ins: modules of a folder, found by the name that stands in the configuration.

    from utils import plugins
    bearer = plugins.find("networking", "nbiot", ("up", "down"))    # the module networking.nbiot
    plugins.find("networking", "warp", ("up", "down"))    # ValueError: ...; allowed: nbiot, wifi

Only the module asked for is loaded. A name that could lead out of the folder is refused.
"""


def find(folder, name, marks):
    """Return the module `folder.name`, which must have the attributes `marks` to be a plug-in.

    Raises ValueError naming what is there if there is none, ImportError if the module itself
    misses something.
    """
    if isinstance(name, str) and _is_name(name):
        try:
            module = getattr(__import__(folder + "." + name), name)
        except ImportError as error:
            if folder + "." + name not in str(error):  # it is there, and misses another
                raise
        else:
            if all(hasattr(module, mark) for mark in marks):
                return module
    allowed = ", ".join(_usable(folder, marks)) or "none installed"
    raise ValueError("{} {!r}; allowed: {}".format(folder, name, allowed))


def _is_name(text):
    """True for lower-case letters, digits and underscores, a letter in front."""
    for character in text:
        if not ("a" <= character <= "z" or "0" <= character <= "9" or character == "_"):
            return False
    return "a" <= text[:1] <= "z"


def _usable(folder, marks):
    """The plug-ins on the flash that this board can load, by name; frozen ones go unseen."""
    import sys

    import uos

    found = set()
    for path in sys.path:
        try:
            entries = uos.listdir((path or "/flash") + "/" + folder)
        except OSError:
            continue
        for entry in entries:
            dot = entry.rfind(".")
            name = entry[:dot]
            if entry[dot + 1 :] in ("py", "mpy") and _is_name(name) and name not in found:
                try:
                    module = getattr(__import__(folder + "." + name), name)
                except Exception:  # noqa: BLE001,S112 - a broken one is none to choose
                    continue
                if all(hasattr(module, mark) for mark in marks):
                    found.add(name)
    return sorted(found)
