"""Runs first after every reset: arms the watchdog, and keeps the radio off on a low battery."""

_OPTIONS = ("heartbeat_on_boot", "wifi_on_boot", "lte_modem_en_on_boot")  # off by default


def arm_watchdog(config):
    """Arm the watchdog, which resets a program that hangs. Deep sleep disarms it."""
    from machine import WDT

    from utils import timing

    timing.set_watchdog(WDT(timeout=config._WATCHDOG_S * 1000))


def spare_battery(config):
    """Sleep without ever switching the radio on if the battery is low."""
    import machine

    from sensors import analog_generic
    from utils import logging

    if config._BATTERY_PIN is None:
        return
    supply_mv = analog_generic.get_reading(config._BATTERY_PIN, divider=config._BATTERY_DIVIDER)
    if supply_mv is None or supply_mv >= config._BATTERY_MIN_MV:
        return  # a failed measurement must not stop the node
    logging.Logger("boot").warning("battery at %d mV: radio stays off", supply_mv)
    woken = machine.reset_cause() == machine.DEEPSLEEP_RESET
    try:
        if set_options({}) or not woken:  # else nothing has started the radio
            bearer(config).stop(woken)
    finally:
        machine.deepsleep(config._BATTERY_SLEEP_S * 1000)


def start_radio_early(config):
    """Let the firmware start the hardware of the bearer before Python, from the next start on."""
    import pycom

    pycom.heartbeat(False)
    options = {}
    try:
        options = bearer(config).boot_options(config)
    finally:
        set_options(options)


def set_options(wanted):
    """Set these options of the firmware, the others to False. Return the names that changed."""
    import pycom

    names = sorted(set(_OPTIONS + tuple(wanted)))
    changed = [name for name in names if getattr(pycom, name)() != wanted.get(name, False)]
    for name in changed:  # flash is written only on a change
        getattr(pycom, name)(wanted.get(name, False))
    return changed


def bearer(config):
    from utils import plugins

    return plugins.find("networking", config._BEARER, ("boot_options", "stop"))


def boot():
    import sys

    try:
        import config
    except Exception as error:  # noqa: BLE001 - a damaged file; main.py logs it and sleeps
        sys.print_exception(error)
        for name in ("config", "credentials"):  # a second import must not find half of them
            sys.modules.pop(name, None)
        return
    for step in (arm_watchdog, spare_battery, start_radio_early):
        try:
            step(config)
        except Exception as error:  # noqa: BLE001 - the next step and main.py must run
            sys.print_exception(error)


boot()
