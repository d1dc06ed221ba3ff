# One report after each start: measure, connect, send, deactivate, sleep.
#
# On every path the radio is switched off and the board sleeps until the period is over. The steps
# are in node.py, which can be a compiled file; the firmware compiles this file at each start. If a
# file is damaged, this one and the firmware are enough for the sleep.

import sys

import machine


def report():
    from node import Node

    node = Node()
    try:
        if node.configure():
            node.measure()
            if node.due():
                node.connect()
                node.send()
    except Exception as error:  # noqa: BLE001 - the node must reach its sleep
        node.fail("exception", error)
    node.keep()
    if not node.deactivate():
        modem_off()
    node.sleep()  # does not return


# Switch the modem off by the firmware alone. Deep sleep ends Wi-Fi and LoRa.
def modem_off():
    try:
        from network import LTE

        LTE().deinit()
    except Exception as error:  # noqa: BLE001 - the board must sleep
        sys.print_exception(error)


# Somebody pressed Ctrl-C: the watchdog, which cannot be stopped, waits for ten minutes.
#
# Noise on the console looks the same. If it comes again and again, the resets count.
def stay_awake():
    import pycom

    machine.WDT(timeout=600000)
    print("stopped; restarts in 10 minutes: machine.WDT(timeout=86400000) makes it a day")
    stops = pycom.nvs_get("stops", 0)
    if isinstance(stops, int) and stops < 6:
        pycom.nvs_set("stops", stops + 1)
        pycom.nvs_set("resets", 0)


try:
    machine.WDT(timeout=60000)  # boot.py may be damaged
    report()
except KeyboardInterrupt:
    stay_awake()
    raise
except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - a file is damaged
    machine.WDT(timeout=60000)
    sys.print_exception(error)
    modem_off()
    machine.deepsleep(3600 * 1000)
