"""Antenna, host name and country of networking/wifi.py: checked, and handed to the firmware.

    found = _wifi_options.problems(names, values, rows)
    WLAN(mode=WLAN.STA, **_wifi_options.of_radio("external", "DE"))

The firmware takes any text of 1 to 32 bytes as a host name, and of two letters as a country. It
has no table of countries: the channels are given with the name (esp32/mods/modwlan.c). Of those
below the newest rules allow more in some: 1 to 11 may be used in all (wireless-regdb).
"""

from micropython import const

_MANUAL = const(1)  # WLAN.COUNTRY_POL_MAN: whatever access points say of the country
_CHANNELS = const(13)
_FEWER = const(11)
_WITH_FEWER = ("US", "CA", "TW", "PR", "GU", "VI", "AS", "MP")


def problems(names, values, rows):
    """Return one text per problem of antenna, host name and country; None is none.

    names: as the caller calls them. rows: their declarations.
    """
    found = []
    for index, fits in enumerate((_is_antenna, _is_hostname, _is_country)):
        value = values[index]
        if value is not None and not (isinstance(value, str) and fits(value)):
            found.append("%s = %r; allowed: %s" % (names[index], value, rows[index][2]))
    return found


def of_radio(antenna, country):
    """Return the arguments of WLAN() for an antenna and a country."""
    from network import WLAN

    options = {}
    if antenna:
        options["antenna"] = WLAN.EXT_ANT if antenna == "external" else WLAN.INT_ANT
    if country:
        channels = _FEWER if country in _WITH_FEWER else _CHANNELS
        options["country"] = (country, 1, channels, _MANUAL)
    return options


def _is_antenna(value):
    return value in ("internal", "external")


def _is_hostname(value):
    letters = "".join(value.split("-"))
    plain = all("0" <= each <= "9" or "a" <= each <= "z" or "A" <= each <= "Z" for each in letters)
    return plain and 1 <= len(value) <= 32 and "-" not in (value[0], value[-1])


def _is_country(value):
    return len(value) == 2 and all("A" <= letter <= "Z" for letter in value)
