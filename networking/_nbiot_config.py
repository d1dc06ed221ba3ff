"""The fields of nbiot: how they are declared, and what has to hold for several of them together.

settings = _nbiot_config.check(cfg, line_limit, data_state)     # {name: value}, or ValueError
"""

from micropython import const

from utils import at, configuration

_FIELDS = (
    ("_APN", "text", (0, 99)),
    ("_IP_VERSION", "choice", ("IP", "IPV6", "IPV4V6")),
    ("_MAX_ATTACHMENT_ATTEMPT_TIME_SEC", "integer", (1, 3600)),
    ("_BAND", "integers", (1, 85), None),
    ("_CID", "integer", (1, 8), 1),
    ("_APN_USER", "text", (1, 64), None),
    ("_APN_PASSWORD", "secret", (1, 64), None),
    ("_APN_AUTH", "choice", ("pap", "chap"), "pap"),
    ("_PLMN", "digits", (5, 6), None),
    ("_MODEM_LINK", "choice", ("auto", "uart", "lte"), "lte"),
    ("_PSM", "special", 'None, "auto" or (s, s)', None),
)
_DATA_STATE_FIELDS = (("_MAX_CONNECTION_ATTEMPT_TIME_SEC", "integer", (1, 3600)),)

_AUTH_BYTES = const(19)  # of the command line around user and password
_AF_INET = const(2)
_AF_INET6 = const(10)


def check(cfg, limit, data_state):
    """Return the settings, or raise one ValueError with all problems. limit: of a command line."""
    fields = _FIELDS + _DATA_STATE_FIELDS if data_state else _FIELDS
    settings, found = _checked(cfg, fields, limit)
    if found:
        raise ValueError("; ".join(found))
    return settings


def problems(cfg, limit):
    """As nbiot.problems()."""
    from utils import address

    of_data_state = _DATA_STATE_FIELDS if hasattr(cfg, _DATA_STATE_FIELDS[0][0]) else ()
    settings, found = _checked(cfg, _FIELDS + of_data_state, limit)
    host = getattr(cfg, "_HOST", None)
    version = {_AF_INET: "IPV6", _AF_INET6: "IP"}.get(address.family(host))
    if version and settings.get("_IP_VERSION") == version:
        text = "_HOST = %r, _IP_VERSION = %r; allowed: an address and a version of one family"
        found.append(text % (host, settings["_IP_VERSION"]))
    most = at.longest_host(limit)
    if isinstance(host, str) and len(host) > most:
        found.append("_HOST = %r; allowed: %d bytes, the room of an AT line" % (host, most))
    return found


def _checked(cfg, fields, limit):
    """Return (settings, problems) of these fields and of their combinations."""
    settings, found = configuration.problems(cfg, fields)
    user, password = settings.get("_APN_USER"), settings.get("_APN_PASSWORD")
    if password and not user and "_APN_USER" in settings:
        found.append("_APN_PASSWORD without _APN_USER; allowed: both, or none")
    if user:
        most = limit - _AUTH_BYTES
        if len(user) + len(password or "") > most:
            found.append("_APN_USER and _APN_PASSWORD; allowed: %d characters together" % most)
    settings["_PSM"] = getattr(cfg, "_PSM", None)
    settings["_PERIOD_S"] = getattr(cfg, "_PERIOD_S", None)
    if settings["_PSM"] is not None:
        found += _problems_of_psm(settings)
    return settings, found


def _problems_of_psm(settings):
    if settings.get("_MODEM_LINK") == "lte":
        return ['_PSM = %r, _MODEM_LINK = "lte"; allowed: "uart" or "auto"' % (settings["_PSM"],)]
    try:
        from networking import _nbiot_uart_psm  # on demand
    except ImportError:
        text = "_PSM = %r; allowed: None, since networking/_nbiot_uart.py is not here"
        return [text % (settings["_PSM"],)]
    return _nbiot_uart_psm.problems(settings["_PSM"], settings["_PERIOD_S"])
