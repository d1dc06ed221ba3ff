"""First program after every reset: arm the watchdog, keep the radio off on a low battery."""

# Start options of the firmware: off, unless the bearer asks for them
_OPTIONS = ("heartbeat_on_boot", "wifi_on_boot", "lte_modem_en_on_boot")


def arm_watchdog(config):
    """Arm the watchdog, which resets a program that hangs. Deep sleep disarms it."""
    from machine import WDT

    from utils import timing

    timing.set_watchdog(WDT(timeout=config._WATCHDOG_S * 1000))


def spare_battery(config):
    """If the battery is low, sleep without switching the radio on."""
    import machine

    from sensors import analog_generic
    from utils import logging

    if config._BATTERY_PIN is None:
        return
    supply_mv = analog_generic.get_reading(config._BATTERY_PIN, divider=config._BATTERY_DIVIDER)
    if supply_mv is None or supply_mv >= config._BATTERY_MIN_MV:
        return  # a failed measurement must not stop the node
    logging.Logger("boot").warning("battery at %d mV: radio stays off", supply_mv)
    set_options({})
    bearer(config).stop(machine.reset_cause() == machine.DEEPSLEEP_RESET)
    machine.deepsleep(config._BATTERY_SLEEP_S * 1000)


def start_radio_early(config):
    """Let the firmware start the bearer's hardware before Python, from the next start on."""
    import pycom

    pycom.heartbeat(False)
    set_options(bearer(config).boot_options(config))


def set_options(wanted):
    """Set these start options of the firmware and switch the others off.

    Flash is written only when a value changes.
    """
    import pycom

    wanted = dict(wanted)
    for name in _OPTIONS:
        wanted.setdefault(name, False)
    for name in sorted(wanted):  # dicts have no order on this VM
        option = getattr(pycom, name)
        if option() != wanted[name]:
            option(wanted[name])


def bearer(config):
    from utils import plugins

    return plugins.find("networking", config._BEARER, ("boot_options", "stop"))


def boot():
    import sys

    try:
        import config
    except Exception as error:  # noqa: BLE001 - a damaged file; main.py logs it and sleeps
        sys.print_exception(error)
        # half a module stays in this table, and a second import would take it for whole
        for name in ("config", "credentials"):
            sys.modules.pop(name, None)
        return
    for step in (arm_watchdog, spare_battery, start_radio_early):
        try:
            step(config)
        except Exception as error:  # noqa: BLE001 - the next step and main.py must run
            sys.print_exception(error)


boot()
