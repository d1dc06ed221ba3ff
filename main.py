# One report after each start: measure, connect, send, deactivate, sleep.
#
# On every path the radio is switched off and the board sleeps until the period is over. The steps
# are in node.py, which can be a compiled file; the firmware compiles this one at each start. If a
# file is damaged, this one and the firmware are enough for the sleep.

import sys

import machine


# Switch the modem off by the firmware alone. Deep sleep ends Wi-Fi and LoRa.
def modem_off():
    try:
        from network import LTE

        LTE().deinit()
    except Exception as error:  # noqa: BLE001 - the board must sleep
        sys.print_exception(error)


try:
    machine.WDT(timeout=60000)  # boot.py may be damaged
    import node

    node.report(modem_off)  # does not return
except KeyboardInterrupt:
    import node_reset

    node_reset.stay_awake()
    raise
except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - a file is damaged
    machine.WDT(timeout=60000)
    sys.print_exception(error)
    modem_off()
    try:
        import boot_trial

        rest_s = boot_trial.rest_s()
    except Exception:  # noqa: BLE001 - the board must sleep
        rest_s = 3600
    machine.deepsleep(rest_s * 1000)
