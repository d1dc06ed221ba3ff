"""Plug-ins: modules of a folder, found by a name from the configuration.

    from utils import plugins
    bearer = plugins.find("networking", "nbiot", ("up", "down"))    # the module networking.nbiot
    plugins.find("networking", "warp", ("up", "down"))    # ValueError: ...; allowed: nbiot, wifi

Only the requested module is loaded. A name that could lead out of the folder is refused.
"""


def find(folder, name, marks, field=None, also=()):
    """Return the module `folder.name`, which must have the attributes `marks` to be a plug-in.

    field, also: for the message: the field of `name`, and what else that may be.

    Raises ValueError with the available names if there is no such plug-in, ImportError if the
    module imports another that is missing.
    """
    if isinstance(name, str) and _is_name(name):
        try:
            module = getattr(__import__(folder + "." + name), name)
        except ImportError as error:
            if folder + "." + name not in str(error):  # it exists and imports a missing one
                raise
        else:
            if all(hasattr(module, mark) for mark in marks):
                return module
    allowed = ", ".join(list(also) + _usable(folder, marks)) or "none installed"
    raise ValueError("{} = {!r}; allowed: {}".format(field or folder, name, allowed))


def _is_name(text):
    """True for lower-case letters, digits and underscores that begin with a letter."""
    for character in text:
        if not ("a" <= character <= "z" or "0" <= character <= "9" or character == "_"):
            return False
    return "a" <= text[:1] <= "z"


def _usable(folder, marks):
    """Return the sorted names of the plug-ins on the flash that load here, without frozen ones."""
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
                except Exception:  # noqa: BLE001,S112 - do not offer a broken one
                    continue
                if all(hasattr(module, mark) for mark in marks):
                    found.add(name)
    return sorted(found)
