"""Runs first after every reset: arms the watchdog, and keeps the radio off on a low battery.

Whatever goes wrong here must not keep main.py from its cycle, so that each part stands alone.
"""


def arm_watchdog(config):
    """From here on a program that hangs is reset. Deep sleep ends that, so each boot arms anew."""
    from machine import WDT

    from utils import timing

    timing.set_watchdog(WDT(timeout=config._WATCHDOG_S * 1000))


def set_start_options(config):
    """Keep out of the next starts what costs energy or leaves a door open, and have the firmware
    start the bearer's hardware before Python; written once only."""
    import pycom

    pycom.heartbeat(False)
    station = _station(config) if config._BEARER == "wifi" else None
    wanted = [
        (pycom.heartbeat_on_boot, False),
        # a new board is an access point with a known password
        (pycom.wifi_on_boot, station is not None),
        # the firmware's two seconds of modem start pass while boot.py and the sensors work
        (pycom.lte_modem_en_on_boot, config._BEARER == "nbiot"),
    ]
    if station:
        ssid, password = station
        wanted += [
            (pycom.wifi_mode_on_boot, 1),  # WLAN.STA
            (pycom.wifi_ssid_sta, ssid),
            (pycom.wifi_pwd_sta, password),
        ]
    for option, value in wanted:
        if option() != value:
            option(value)


def _station(config):
    """(ssid, password) of a network that can be joined while boot.py and the sensors work."""
    from networking import wifi

    if wifi.problems(config):
        return None  # main.py tells
    return wifi.on_boot(config._WIFI_NETS, getattr(config, "_WIFI_FORCE_NO_SCAN", False))


def spare_battery(config):
    """Sleep without ever switching the radio on if the battery is low."""
    import machine

    from sensors import analog_generic

    if config._BATTERY_PIN is None:
        return
    supply_mv = analog_generic.get_reading(config._BATTERY_PIN, divider=config._BATTERY_DIVIDER)
    if supply_mv is None or supply_mv >= config._BATTERY_MIN_MV:
        return  # what cannot be measured does not stop the node
    from utils import logging

    logging.Logger("boot").warning("battery at %d mV: radio stays off", supply_mv)
    leave_radio_off(config)
    machine.deepsleep(config._BATTERY_SLEEP_S * 1000)


def leave_radio_off(config):
    """Start no radio with the board; stop the one that is on, if a reset cut a cycle of its."""
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
        except Exception as error:  # noqa: BLE001 - the steps stand alone
            sys.print_exception(error)


boot()
