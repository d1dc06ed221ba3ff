"""What boot.py does after a reset that was no deep sleep, and main.py after Ctrl-C.

    node_reset.start(watchdog)
    node_reset.stay_awake()

Three resets in a row let the board sleep without main.py: docs/reliability.md. No other file of
ours is loaded before that, so that a damaged one cannot prevent it. This one stays source on the
board: damaged source raises an error, damaged byte code can do anything.
"""

import sys

import machine
import pycom

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


def start(watchdog):
    """Begin a cycle that no deep sleep preceded. Does not return after too many resets."""
    resets = _resets_in_a_row()
    if resets >= _MOST_RESETS:
        _rest(resets)
    config = _noted(_CONFIG, _read_config)
    options = {}
    pycom.heartbeat(False)
    try:
        import node_start

        node_start.feed(watchdog)
        if config:
            node_start.spare_battery(config, False)
            options = node_start.radio_options(config, node_start.is_started())
    except Exception as error:  # noqa: BLE001 - main.py must run
        sys.print_exception(error)
    set_options(options)


def set_options(wanted):
    """Set these options of the firmware, the others as in _OPTIONS; written only on a change."""
    options = [(name, wanted.get(name, value)) for name, value in _OPTIONS]
    options += [item for item in sorted(wanted.items()) if item[0] not in dict(_OPTIONS)]
    for name, value in options:
        try:
            if getattr(pycom, name)() != value:
                getattr(pycom, name)(value)
        except Exception as error:  # noqa: BLE001 - the board must sleep
            sys.print_exception(error)


def modem_off():
    """Switch the modem off by the firmware alone. Deep sleep ends Wi-Fi and LoRa."""
    try:
        from network import LTE

        LTE().deinit()
    except Exception as error:  # noqa: BLE001 - the board must sleep
        sys.print_exception(error)


def stay_awake():
    """Somebody pressed Ctrl-C: the watchdog, which cannot be stopped, waits for ten minutes.

    Noise on the console looks the same. If it comes again and again, the resets count.
    """
    machine.WDT(timeout=600000)
    print("stopped; restarts in 10 minutes: machine.WDT(timeout=86400000) makes it a day")
    stops = pycom.nvs_get("stops", 0)
    if isinstance(stops, int) and stops < 6:
        pycom.nvs_set("stops", stops + 1)
        pycom.nvs_set("resets", 0)


def _resets_in_a_row():
    """Return how often the board was reset since the last good cycle."""
    resets = _number("resets")
    if machine.reset_cause() != machine.SOFT_RESET:
        resets += 1
        _keep("resets", resets)
    return resets


def _rest(resets):
    """Sleep without main.py: for a period, later for an hour at least."""
    hung = _number("reset_in")  # these steps are left out
    if machine.reset_cause() != machine.WDT_RESET and resets <= 2 * _MOST_RESETS:
        hung = 0  # the supply broke down in them
    config = None if hung & _CONFIG else _noted(_CONFIG, _read_config)
    period_s = getattr(config, "_PERIOD_S", None)
    if not isinstance(period_s, int) or not 10 <= period_s <= 604800:
        period_s = _REST_S
    if resets > _MOST_RESETS:  # nothing that the node leaves out helps
        period_s = max(period_s, _REST_S)
    print("boot: too many resets in a row, sleeping %d s" % period_s)
    word = pycom.nvs_get("ota", 0)
    if isinstance(word, int) and word >> 28 == 2 and word >> 24 & 7 < 7:
        _keep("ota", word + (1 << 24))  # this start has tried nothing of the release on trial
    set_options({})  # or the next start would switch the modem on
    if not hung & _MODEM:
        _noted(_MODEM, modem_off)
    machine.deepsleep(period_s * 1000)


def _noted(bit, step):
    """Return step(), and note in NVS that it ended."""
    hung = _number("reset_in")
    _keep("reset_in", hung | bit)
    result = step()
    _keep("reset_in", hung & ~bit)
    return result


def _read_config():
    """Return the module config, None if it cannot be loaded; main.py says why and sleeps."""
    try:
        import config

        return config
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - a damaged file
        sys.print_exception(error)
        for name in ("config", "credentials"):  # a second import must not find half of them
            sys.modules.pop(name, None)


def _number(key):
    """Return a number of the NVS, 0 if it is missing or damaged."""
    value = pycom.nvs_get(key, 0)
    return value if isinstance(value, int) and 0 <= value < 10000 else 0


def _keep(key, value):
    """Write a number to the NVS if it is another one. The node works without it, too."""
    try:
        if pycom.nvs_get(key, 0) != value:
            pycom.nvs_set(key, value)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        sys.print_exception(error)
