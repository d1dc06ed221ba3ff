# Runs first after every reset: sees to it that the board sleeps.
#
# The watchdog ends whatever hangs, and the idle prompt that a missing main.py leaves. The firmware
# compiles this file at each start, so the rest is in others: after a deep sleep in node_start.py,
# after any other reset in node_reset.py, which counts them (docs/reliability.md). On a board that
# gets updates they stand in /flash/a or /flash/b: NVS "ota" tells which (ota/_word.py). This file,
# boot_trial.py and main.py stay in /flash and never change in the field.

import sys

import machine
import pycom

watchdog = machine.WDT(timeout=60000)  # until the node sets its own time
try:
    word = pycom.nvs_get("ota", 0)
    if word:
        slot = word >> 27 & 1
        try:
            if word >> 28 == 2:  # on trial
                import boot_trial

                slot = boot_trial.slot(word)
        except Exception as error:  # noqa: BLE001 - the set that was confirmed runs
            sys.print_exception(error)
        slot = "/flash/" + "ab"[slot]
        sys.path[:0] = [slot, slot + "/lib"]
    if machine.reset_cause() == machine.DEEPSLEEP_RESET:
        import node_start

        node_start.wake(watchdog)
    else:
        import node_reset

        node_reset.start(watchdog)
except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - main.py must run
    sys.print_exception(error)
    for name in ("config", "credentials"):  # a second import must not find half of them
        sys.modules.pop(name, None)
