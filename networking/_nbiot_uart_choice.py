"""Which link to the modem carries an attempt, if the field _MODEM_LINK of nbiot is not "lte".

    link = choice.link(None, "auto", data_state, now_s)     # the link to use, in place of None
    link, outcome = choice.by_lte(attempt, data_state, now_s)   # run again: the UART did not open
    options = choice.boot_options()

"auto" is the UART, but for data state, which is the firmware's, for a day after the UART failed
where LTE did not, and in a cycle in which the firmware has started the modem before Python.

now_s: the seconds for which the node has had power. None: nobody tells; then the board's RTC
counts, which starts anew without power.
"""

from micropython import const

_KEY = "nbiot_lte_until"  # in NVS: seconds
_DAY_S = const(86400)
_HOUR_S = const(3600)

_needs_lte = None  # as it looks for the next cycle; None: no link was chosen in this one


def link(current, wanted, data_state, now_s):
    """Return the link that "auto", "uart" or "lte" asks for; `current` is closed if it is another.

    A program that has used network.LTE stays with it: the firmware keeps the pins until a reset.
    """
    global _needs_lte
    _needs_lte = data_state or wanted == "auto" and _is_remembered(now_s)
    by_lte = _needs_lte or wanted == "lte" or wanted == "auto" and _is_started()
    if not current:
        return _made(by_lte)
    if current.name == "lte" and (by_lte or current.off is not None):
        return current
    return _replaced(current, by_lte) if by_lte != (current.name == "lte") else current


def by_lte(attempt, data_state, now_s):
    """Run an attempt again by LTE, in place of the UART. Return the link and the outcome.

    Let "auto" be LTE for a day if it has reached a modem that the UART did not.
    """
    global _needs_lte
    from utils import logging, store

    log = logging.Logger("nbiot")
    log.warning("the UART does not reach the modem: by network.LTE")
    attempt.link = _replaced(attempt.link, True)
    attempt.sleep = None  # each start of that driver ends power saving mode
    outcome = attempt.run(data_state)
    if attempt.link.is_open:
        _needs_lte = True
        try:
            store.nvs_set(_KEY, _seconds(now_s) + _DAY_S)
        except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception if NVS fails
            log.warning("the link is not remembered: %s", error)
    return attempt.link, outcome


def boot_options():
    """Return those of LTE if the next cycle will need it.

    The end of a cycle knows; before, they stay as they are.
    """
    if not (_is_started() if _needs_lte is None else _needs_lte):
        return {}
    from networking import _nbiot_lte

    return _nbiot_lte.Link.boot_options


def _replaced(current, by_lte):
    if current.is_open or current.is_waking:
        try:
            current.close()
        except OSError:  # its UART is closed all the same
            pass
    return _made(by_lte)


def _made(by_lte):
    if by_lte:
        from networking import _nbiot_lte as kind
    else:
        from networking import _nbiot_uart as kind
    return kind.Link()


def _is_started():
    import pycom

    return pycom.lte_modem_en_on_boot()


def _is_remembered(now_s):
    import pycom

    try:
        until_s = pycom.nvs_get(_KEY, 0)
    except Exception:  # noqa: BLE001 - as above
        return False
    # much later than in a day: of a clock that has started anew since
    return isinstance(until_s, int) and 0 < until_s - _seconds(now_s) <= _DAY_S + _HOUR_S


def _seconds(now_s):
    import utime

    return utime.time() if now_s is None else now_s
