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
name       the same, of letters, digits and -:._/ with one of      (shortest, longest) length
           the first two in front: RFC 8428, 4.5.1
secret     as text; no message shows its value                     (shortest, longest) length
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
    """Return the values, or raise one ValueError with all problems and the allowed values."""
    values, found = problems(cfg, fields)
    if found:
        raise ValueError("; ".join(found))
    return values


def refuse(name, value, allowed):
    """Raise the ValueError that names an argument, its value and the allowed values."""
    raise ValueError(_TEXT % (name, value, allowed))


def is_integer(value, least, most):
    """True for an int within the limits; a bool is not an int here."""
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
    if kind == "name" and not _is_name(value):
        return False
    if kind not in _NUMBERS:
        return isinstance(value, str) and is_integer(len(value), *limits) and is_plain(value)
    if kind == "integer" or not isinstance(value, (list, tuple)):
        return is_integer(value, *limits)
    return bool(value) and all(is_integer(item, *limits) for item in value)


def _is_name(value):
    if not isinstance(value, str) or value[:1] in _NOT_FIRST:
        return False
    for character in value:
        if not (character.isalpha() or character.isdigit() or character in _NOT_FIRST):
            return False
    return True


def _allowed(kind, limits):
    if kind == "choice":
        return ", ".join(repr(value) for value in limits)
    return _TEXTS.get(kind, _CHARACTERS) % limits


_TEXT = "%s = %r; allowed: %s"
_CHARACTERS = '%d to %d printable ASCII characters, no " or \\'
_NOT_FIRST = "-:._/"
_NUMBERS = ("integer", "integers")
_TEXTS = {
    "name": "%d to %d letters, digits and -:._/, a letter or digit in front",
    "integer": "an integer %d to %d",
    "integers": "an integer %d to %d, or a list of such",
}
