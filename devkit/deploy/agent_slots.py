# mypy: ignore-errors
# ruff: noqa
"""More of the board's side, for `./dev deploy --keys` alone: it goes over a slow line.

Runs in the same names as agent.py, behind it.
"""


def files(path):
    """Paths of all files below a folder; nothing if there is none."""
    found = []
    for name in names(path):
        inner = path + "/" + name
        if _kind(inner) == "dir":
            found += files(inner)
        else:
            found.append(inner)
    return found


def keep(values):
    """Write [[key, value], ...] to the NVS in this order; returns the keys that differ then."""
    import pycom

    for key, value in values:
        if pycom.nvs_get(key, None) != value:
            pycom.nvs_set(key, value)
    return [key for key, value in values if pycom.nvs_get(key, None) != value]


def device_name():
    """_DEVICE_NAME of the configuration on the board; None without one."""
    try:
        import config

        return getattr(config, "_DEVICE_NAME", None)
    except Exception:
        return None


def sweep():
    """Remove the files of `swept`, and the folders that are empty then."""
    for path in swept:
        remove(path)
        folder = path.rsplit("/", 1)[0]
        while folder.count("/") > 1 and not names(folder):
            os.rmdir(folder)
            folder = folder.rsplit("/", 1)[0]
        _alive()
