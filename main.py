"""One report after each start: measure, connect, send, deactivate, sleep.

Whatever happens, the radio goes off and the board sleeps until the period is over. The steps are
in node.py, which may be compiled on the flash; the firmware compiles this file at each start.
"""

import sys

import machine

_REST_MS = 3600000  # of a node whose files are damaged

try:
    from node import Node

    node = Node()
except Exception as error:  # noqa: BLE001 - the node must reach its sleep
    sys.print_exception(error)
    machine.deepsleep(_REST_MS)

try:
    if node.configure():
        node.measure()
        node.connect()
        node.send()
except Exception as error:  # noqa: BLE001 - the node must reach its sleep
    node.fail("exception", error)
finally:
    node.keep_unsent()
    node.deactivate()
    node.sleep()
