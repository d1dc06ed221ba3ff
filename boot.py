# Runs first after every reset: sees to it that the board sleeps.
#
# The watchdog ends whatever hangs, and the idle prompt that a missing main.py leaves. After three
# resets in a row the board sleeps without main.py: docs/reliability.md. No file of ours is loaded
# before that, so that a damaged one cannot prevent it.
#
# Each start compiles this file: comments cost next to nothing there, docstrings half of code.

import sys

import machine
import pycom

_WATCHDOG_MS = 60000  # until the node sets its own time
_MOST_RESETS = 3
_REST_S = 3600  # the period if no configuration can be read
# Options of the firmware, unless the bearer wants them otherwise. In safe boot its watchdog leaves
# five minutes to stop it.
_OPTIONS = (
    ("wdt_on_boot_timeout", 300000),
    ("wdt_on_boot", True),
    ("heartbeat_on_boot", False),
    ("wifi_on_boot", False),
    ("lte_modem_en_on_boot", False),
)
_CONFIG, _MODEM = 1, 2  # bits of "reset_in" in NVS: what has begun and has not ended


def boot():
    watchdog = machine.WDT(timeout=_WATCHDOG_MS)
    woken = machine.reset_cause() == machine.DEEPSLEEP_RESET
    resets = resets_in_a_row(woken)
    if resets >= _MOST_RESETS and not woken:
        rest(resets)
    config = read_config() if woken else noted(_CONFIG, read_config)
    options = {}
    pycom.heartbeat(False)
    try:
        import node_start

        node_start.feed(watchdog)
        if config:
            node_start.spare_battery(config, woken, set_options, modem_off)
            if resets < _MOST_RESETS:  # else only the node starts the radio, if at all
                options = node_start.radio_options(config, node_start.is_started())
    except Exception as error:  # noqa: BLE001 - main.py must run
        sys.print_exception(error)
    set_options(options)


# Return a number of the NVS, 0 if it is missing or damaged.
def number(key):
    value = pycom.nvs_get(key, 0)
    return value if isinstance(value, int) and 0 <= value < 10000 else 0


# Write a number to the NVS if it is another one. The node works without it, too.
def keep(key, value):
    try:
        if pycom.nvs_get(key, 0) != value:
            pycom.nvs_set(key, value)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        sys.print_exception(error)


# Return how often the board was reset since the last good cycle. A deep sleep is no reset.
def resets_in_a_row(woken):
    resets = number("resets")
    if not woken and machine.reset_cause() != machine.SOFT_RESET:
        resets += 1
        keep("resets", resets)
    return resets


# Return step(), and note in NVS that it ended.
def noted(bit, step):
    hung = number("reset_in")
    keep("reset_in", hung | bit)
    result = step()
    keep("reset_in", hung & ~bit)
    return result


# Sleep without main.py: for a period, later for an hour at least.
def rest(resets):
    hung = number("reset_in")  # these steps are left out
    if machine.reset_cause() != machine.WDT_RESET and resets <= 2 * _MOST_RESETS:
        hung = 0  # the supply broke down in them
    config = None if hung & _CONFIG else noted(_CONFIG, read_config)
    period_s = getattr(config, "_PERIOD_S", None)
    if not isinstance(period_s, int) or not 10 <= period_s <= 604800:
        period_s = _REST_S
    if resets > _MOST_RESETS:  # nothing that the node leaves out helps
        period_s = max(period_s, _REST_S)
    print("boot: too many resets in a row, sleeping %d s" % period_s)
    set_options({})  # or the next start would switch the modem on
    if not hung & _MODEM:
        noted(_MODEM, modem_off)
    machine.deepsleep(period_s * 1000)


# Switch the modem off by the firmware alone. Deep sleep ends Wi-Fi and LoRa.
def modem_off():
    try:
        from network import LTE

        LTE().deinit()
    except Exception as error:  # noqa: BLE001 - the board must sleep
        sys.print_exception(error)


# Return the module config, None if it cannot be loaded; main.py says why and sleeps.
def read_config():
    try:
        import config

        return config
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - a damaged file
        sys.print_exception(error)
        for name in ("config", "credentials"):  # a second import must not find half of them
            sys.modules.pop(name, None)


# Set these options of the firmware, the others as in _OPTIONS; written only on a change.
def set_options(wanted):
    options = [(name, wanted.get(name, value)) for name, value in _OPTIONS]
    options += [item for item in sorted(wanted.items()) if item[0] not in dict(_OPTIONS)]
    for name, value in options:
        try:
            if getattr(pycom, name)() != value:
                getattr(pycom, name)(value)
        except Exception as error:  # noqa: BLE001 - the board must sleep
            sys.print_exception(error)


boot()
