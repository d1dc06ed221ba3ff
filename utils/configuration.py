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
digits     str of digits                                           (shortest, longest) length
name       a name that can stand in a report: utils/names.py       (shortest, longest) length
host       IPv4 or IPv6 literal, or a name: utils/address.py       (shortest, longest) length
secret     as text; no message shows its value                     (shortest, longest) length
choice     one of the values, and of its type                      the values
integer    int                                                     (least, greatest)
integers   int, or a list or tuple of at least one                 (least, greatest) of each
number     int or float                                            (least, greatest)
special    has a form of its own, which the component checks       text: what is allowed
special secret   the same; no message shows its value              text: what is allowed
"""

from utils.arguments import TEXT, is_integer, is_plain, refuse  # noqa: F401 - refuse is for others


def problems(cfg, fields):
    """Return (values, problems): a dict with defaults filled in, and one text per problem."""
    values = {}
    found = []
    for field in fields:
        name, kind, limits = field[:3]
        if kind.startswith("special"):
            continue
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
                value = HIDDEN
            found.append(TEXT % (name, value, _allowed(kind, limits)))
    return values, found


def usable(cfg, fields):
    """As problems(), for rows with a default: a wrong field has its default in the values."""
    values, found = problems(cfg, fields)
    for field in fields:
        if len(field) > 3:
            values.setdefault(field[0], field[3])
    return values, found


def check(cfg, fields):
    """Return the values, or raise one ValueError with all problems and the allowed values."""
    values, found = problems(cfg, fields)
    if found:
        raise ValueError("; ".join(found))
    return values


def is_number(value, least, most):
    """True for an int or float within the limits; a bool and NaN are none."""
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
    )


def _fits(value, kind, limits):
    if kind == "choice":  # 1 equals True and 68.0 equals 68
        return any(value == choice and type(value) is type(choice) for choice in limits)
    if kind == "number":
        return is_number(value, *limits)
    if kind == "integer" or kind == "integers" and not isinstance(value, (list, tuple)):
        return is_integer(value, *limits)
    if kind == "integers":
        return bool(value) and all(is_integer(item, *limits) for item in value)
    if not isinstance(value, str) or not is_integer(len(value), *limits):
        return False
    if kind == "digits":
        return value.isdigit()
    if kind == "name":
        from utils import names  # on demand

        return names.is_name(value)
    if kind == "host":
        from utils import address  # on demand

        return address.is_host(value)
    return is_plain(value)


def _allowed(kind, limits):
    if kind == "choice":
        return ", ".join(repr(value) for value in limits)
    return _TEXTS.get(kind, _CHARACTERS) % limits


HIDDEN = "***"  # in place of a secret
_CHARACTERS = '%d to %d printable ASCII characters, no " or \\'
_TEXTS = {
    "name": "%d to %d letters, digits and -:._/, a letter or digit in front",
    "digits": "%d to %d digits, as text in quotes",
    "host": "an IP address or a name, %d to %d characters, no scheme, port, path or blank",
    "integer": "an integer %d to %d",
    "integers": "an integer %d to %d, or a list of such",
    "number": "a number %s to %s",
}
