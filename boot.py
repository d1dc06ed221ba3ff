"""Runs first after every reset: arms the watchdog, and keeps the radio off on a low battery."""


def arm_watchdog(config):
    """Reset a program that hangs from here on. Deep sleep disarms, so each start arms again."""
    from machine import WDT

    from utils import timing

    timing.set_watchdog(WDT(timeout=config._WATCHDOG_S * 1000))


def set_start_options(config):
    """Let the firmware start the radio before Python. Flash is written only on a change."""
    import pycom

    pycom.heartbeat(False)
    station = []
    if config._BEARER == "wifi":
        from networking import wifi

        station = wifi.start_options(config)
    wanted = [
        (pycom.heartbeat_on_boot, False),
        # a new board is an access point with a known password
        (pycom.wifi_on_boot, bool(station)),
        # the firmware's two seconds of modem start pass while boot.py and the sensors work
        (pycom.lte_modem_en_on_boot, config._BEARER == "nbiot"),
    ]
    for option, value in wanted + station:
        if option() != value:
            option(value)


def spare_battery(config):
    """Sleep without ever switching the radio on if the battery is low."""
    import machine

    from sensors import analog_generic
    from utils import logging

    if config._BATTERY_PIN is None:
        return
    supply_mv = analog_generic.get_reading(config._BATTERY_PIN, divider=config._BATTERY_DIVIDER)
    if supply_mv is None or supply_mv >= config._BATTERY_MIN_MV:
        return  # what cannot be measured does not stop the node
    logging.Logger("boot").warning("battery at %d mV: radio stays off", supply_mv)
    leave_radio_off(config)
    machine.deepsleep(config._BATTERY_SLEEP_S * 1000)


def leave_radio_off(config):
    """Start no radio with the board; stop one that a cycle cut short by a reset left on."""
    import machine
    import pycom

    for option in (pycom.lte_modem_en_on_boot, pycom.wifi_on_boot):
        option(False)
    if config._BEARER == "wifi" or machine.reset_cause() != machine.DEEPSLEEP_RESET:
        from utils import plugins

        plugins.find("networking", config._BEARER, ("stop",)).stop()


def boot():
    import sys

    try:
        import config
    except Exception as error:  # noqa: BLE001 - a damaged file; main.py says so and sleeps
        sys.print_exception(error)
        return
    for step in (arm_watchdog, set_start_options, spare_battery):
        try:
            step(config)
        except Exception as error:  # noqa: BLE001 - the steps stand alone, and main.py follows
            sys.print_exception(error)


boot()
