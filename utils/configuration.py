"""Configuration checked before the hardware is touched, all problems in one message.

A component declares the fields it reads as a tuple of (name, kind, limits, default); a field
without default is required:

    FIELDS = (
        ("_APN", "text", (0, 99)),
        ("_IP_VERSION", "choice", ("IP", "IPV6", "IPV4V6")),
        ("_CID", "integer", (1, 8), 1),
        ("_BAND", "integers", (1, 85), None),
    )
    values = configuration.check(cfg, FIELDS)      # {"_APN": "iot", ...}, or ValueError

`cfg` is any object with these names as attributes: a module, a class, an instance.

kind       value                                                   limits
text       str of printable ASCII without a quote or backslash     (shortest, longest) length
secret     the same; its value is in no message                    (shortest, longest) length
choice     one of the values                                       the values
integer    int                                                     (least, greatest)
integers   int, or a list or tuple of at least one                 (least, greatest) of each
"""


def problems(cfg, fields):
    """Return (values, problems): a dict with defaults filled in, and one text per problem."""
    values = {}
    found = []
    for field in fields:
        name, kind, limits = field[:3]
        if not hasattr(cfg, name):
            if len(field) < 4:
                found.append("%s is missing; allowed: %s" % (name, _allowed(kind, limits)))
            else:
                values[name] = field[3]
            continue
        value = getattr(cfg, name)
        if _fits(value, kind, limits) or (value is None and field[3:] == (None,)):
            values[name] = value
        else:
            if kind == "secret":
                value = "***"
            found.append(_TEXT % (name, value, _allowed(kind, limits)))
    return values, found


def check(cfg, fields):
    """Return the values, or raise one ValueError that lists every problem with what is allowed."""
    values, found = problems(cfg, fields)
    if found:
        raise ValueError("; ".join(found))
    return values


def refuse(name, value, allowed):
    """Raise the ValueError that names an argument, its value and what is allowed."""
    raise ValueError(_TEXT % (name, value, allowed))


def is_integer(value, least, most):
    """True for an int within the limits; True and False are no numbers here."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_plain(text):
    """True if `text` can stand between quotes in an AT command: ASCII without quote or \\."""
    for character in text:
        if not " " <= character <= "~" or character in '"\\':
            return False
    return True


def _fits(value, kind, limits):
    if kind == "choice":
        return value in limits
    if kind not in _TEXTS:
        return isinstance(value, str) and is_integer(len(value), *limits) and is_plain(value)
    if kind == "integer" or not isinstance(value, (list, tuple)):
        return is_integer(value, *limits)
    return bool(value) and all(is_integer(item, *limits) for item in value)


def _allowed(kind, limits):
    if kind == "choice":
        return ", ".join(repr(value) for value in limits)
    return _TEXTS.get(kind, _CHARACTERS) % limits


_TEXT = "%s = %r; allowed: %s"
_CHARACTERS = '%d to %d printable ASCII characters, no " or \\'
_TEXTS = {
    "integer": "an integer %d to %d",
    "integers": "an integer %d to %d, or a list of such",
}
