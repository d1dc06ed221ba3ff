"""The plug-ins that there are: for the message of utils/plugins.py about one that there is not."""

from utils.plugins import is_name


def names(folder, marks):
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
            if entry[dot + 1 :] in ("py", "mpy") and is_name(name) and name not in found:
                try:
                    module = getattr(__import__(folder + "." + name), name)
                except Exception:  # noqa: BLE001,S112 - do not offer a broken one
                    continue
                if all(hasattr(module, mark) for mark in marks):
                    found.add(name)
    return sorted(found)
