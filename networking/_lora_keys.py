"""LoRaWAN keys in the configuration: hexadecimal text, for one device or for many.

No message shows an AppKey: a wrong one is reported by its length.
"""

_ONE = ("_DEV_EUI", "_APP_EUI", "_APP_KEY")
_SIZES = {"_DEV_EUI": 8, "_APP_EUI": 8, "_APP_KEY": 16}


def read(cfg, own_eui):
    """Return (dev_eui, app_eui, app_key) as bytes. Raises one ValueError with all problems.

    own_eui: a function that returns this board's EUI as bytes, or None if it has none. It is
    called only if the result depends on it. dev_eui is None if it returned None.
    """
    devices, values, problems = _parse(cfg)
    if problems:
        raise ValueError("; ".join(problems))
    if devices is None:
        dev_eui = values[0][0]
        return (own_eui() if dev_eui is None else dev_eui), values[1][0], values[2][0]
    own = own_eui()
    if own is None:
        return None, values[1][0], values[2][0]
    for index, dev_eui in enumerate(devices):
        if dev_eui == own:
            return own, values[1][index % len(values[1])], values[2][index % len(values[2])]
    raise ValueError(
        "_DEV_EUIs is without %s, the EUI of this board; it has: %s"
        % (_hex(own), ", ".join([_hex(eui) for eui in devices]))
    )


def problems(cfg):
    """Return the problems that can be found without the board, as a list of str."""
    return _parse(cfg)[2]


def _parse(cfg):
    """Return (DevEUIs or None, [DevEUI, AppEUI, AppKey values], problems)."""
    found = []
    devices = getattr(cfg, "_DEV_EUIs", None)
    values = []
    for name in _ONE:
        if name == "_DEV_EUI":
            many = devices
        else:
            many = getattr(cfg, name + "s", None)
            if many is not None and devices is None:
                found.append("%ss without _DEV_EUIs; allowed: both, or %s alone" % (name, name))
                many = None
        if many is None:  # one value for all devices
            values.append([_bytes(name, name, getattr(cfg, name, None), found)])
        elif not isinstance(many, (list, tuple)) or not many:
            found.append("%ss; allowed: a list of texts, not empty" % name)
        elif isinstance(devices, (list, tuple)) and len(many) != len(devices):
            found.append("%ss has %d; allowed: one for each of _DEV_EUIs" % (name, len(many)))
        else:
            shown = name + "s[%d]"
            values.append([_bytes(name, shown % i, item, found) for i, item in enumerate(many)])
    return (values[0] if devices is not None and not found else None), values, found


def _bytes(name, shown, text, found):
    """Return the bytes of a text. A problem is added to `found`, under the name `shown`."""
    import ubinascii

    size = _SIZES[name]
    if text is None and shown == "_DEV_EUI":
        return None
    if isinstance(text, str) and len(text) == 2 * size:
        try:
            return ubinascii.unhexlify(text)
        except ValueError:
            pass
    if text is None and shown == name:
        where = " in credentials.py" if name == "_APP_KEY" else ""
        found.append("%s is missing%s; allowed: %d hexadecimal digits" % (shown, where, 2 * size))
        return None
    value = repr(text)
    if name == "_APP_KEY":
        value = "a text of %d characters" % len(text) if isinstance(text, str) else "no text"
    found.append("%s = %s; allowed: %d hexadecimal digits" % (shown, value, 2 * size))
    return None


def _hex(eui):
    import ubinascii

    return ubinascii.hexlify(eui).decode()
