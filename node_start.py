"""What boot.py does for the node: it spares a low battery and lets the radio start early.

    node_start.wake(watchdog)   # after a deep sleep; else node_reset.py calls the next three
    node_start.feed(watchdog)
    node_start.spare_battery(config, woken)                             # may sleep
    options = node_start.radio_options(config, node_start.is_started())
    node_start.start_early(config, False)   # at the end of a cycle, for the next start

The end of a cycle knows whether the next start will use the radio; boot.py leaves it at that.

Apart from boot.py, which guards against damaged files and is compiled at each start. After a deep
sleep the options of the firmware are as the end of the last cycle left them.
"""

import pycom

from utils import timing

_MARGIN_MV = 100  # a low battery has to recover by so much
_LOW = "battery_low"  # in NVS
_RADIOS = ("wifi_on_boot", "lte_modem_en_on_boot")

supply_mv = None  # of the battery at this start, None if unknown
is_checked = False  # whether this configuration was found good before the deep sleep


def wake(watchdog):
    """Begin a cycle after a deep sleep."""
    feed(watchdog)
    pycom.heartbeat(False)
    import config

    spare_battery(config, True)


def feed(watchdog):
    """Let every wait feed the watchdog."""
    timing.set_watchdog(watchdog)


def spare_battery(config, woken):
    """Sleep without ever switching the radio on if the battery is low.

    What counts is a reading with the radio off: one that the radio may have lowered is repeated
    without it. From the second low one on nothing is written, and nothing starts the radio.
    woken: from a deep sleep.
    """
    global supply_mv
    settings = _settings(config, woken)
    if settings["_BATTERY_PIN"] is None:
        return
    was_low = pycom.nvs_get(_LOW, 0) == 1
    least_mv = settings["_BATTERY_MIN_MV"] + (_MARGIN_MV if was_low else 0)
    started = is_started()
    supply_mv = _measured(settings)
    # the last cycle may have left the radio registered; one with a low battery never does
    if _is_low(supply_mv, least_mv) and (started or not woken or not was_low):
        try:
            _bearer(config).stop(woken and not started)
        except Exception:  # noqa: BLE001 - there is no such bearer, or its file is damaged
            import node_reset

            node_reset.modem_off()
        supply_mv = _measured(settings)
    if not _is_low(supply_mv, least_mv):
        if was_low:
            pycom.nvs_set(_LOW, 0)
        return
    import node_reset
    from utils import logging

    logging.Logger("start").warning("battery at %d mV: radio stays off", supply_mv)
    try:
        if not was_low:
            pycom.nvs_set(_LOW, 1)
        node_reset.set_options({})
    finally:
        _sleep(settings["_BATTERY_SLEEP_S"] * 1000)


def is_started():
    """Return whether the firmware starts a radio before Python."""
    return any(getattr(pycom, name)() for name in _RADIOS)


def radio_options(config, uses_radio):
    """Return the options of pycom with which the firmware starts the bearer's hardware.

    uses_radio: the next start will use it. {} if not, and if not each cycle sends: the options are
    on flash, which each change wears, and Python starts the radio in a cycle that does.
    """
    if not uses_radio or getattr(config, "_SEND_EVERY", 1) != 1:
        return {}
    try:
        bearer = _bearer(config)
    except (AttributeError, ValueError):  # none, or none of this name: node_check.py says so
        return {}
    return bearer.boot_options(config)


def start_early(config, uses_radio):
    """Set these options for the next start; written only on a change."""
    wanted = radio_options(config, uses_radio)
    for name in _RADIOS + tuple(sorted(wanted)):
        value = wanted.get(name, False)
        if getattr(pycom, name)() != value:
            getattr(pycom, name)(value)


def _settings(config, woken):
    """Return the fields of boot.py, a wrong one with its default."""
    global is_checked
    from utils import boot_fields, checked

    is_checked = checked.recall(checked.digest(config)) and woken
    if is_checked:
        return checked.values(config, boot_fields.FIELDS)
    from utils import configuration

    return configuration.usable(config, boot_fields.FIELDS)[0]


def _is_low(supply_mv, least_mv):
    return supply_mv is not None and supply_mv < least_mv  # a failed reading must not stop it


def _measured(settings):
    from sensors import _rig, analog_generic  # get_reading would load the check of arguments

    given = {"data_pin": settings["_BATTERY_PIN"], "divider": settings["_BATTERY_DIVIDER"]}
    job = _rig.Job("battery", analog_generic, given)
    return _rig.carry_out([job])[0][0][0]


def _sleep(duration_ms):
    import machine

    try:
        if pycom.nvs_get("ota", 0) >> 28 == 2:  # a release on trial has not failed by that
            from ota import _word

            _word.end_cycle()
    finally:
        machine.deepsleep(duration_ms)


def _bearer(config):
    from utils import plugins

    return plugins.find("networking", config._BEARER, ("boot_options", "stop"))
