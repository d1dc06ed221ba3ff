"""One report after each start: measure, connect, send, deactivate, sleep.

Whatever happens, the radio goes off and the board sleeps until the period is over. The steps are
in node.py, which may be compiled on the flash; the firmware compiles this file at each start.
"""


def report():
    from node import Node

    node = Node()
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
        node.sleep()  # does not return


try:
    report()
except Exception as error:  # noqa: BLE001 - a file on the flash is damaged
    import sys

    import machine

    sys.print_exception(error)
    machine.deepsleep(3600 * 1000)
