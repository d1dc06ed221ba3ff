"""Forms of calls that programs written for other boards use (Pycom firmware 1.20.2.r4)."""

from __future__ import annotations

import pytest

from emulator.board.framing import Framing


class Ear:
    def __init__(self):
        self.heard = []

    def character(self, symbol, start_us):
        self.heard.append(Framing(9600, 8, None).read(symbol)[0])


@pytest.mark.both_runtimes
def test_what_is_written_is_a_buffer_or_a_part_of_one(device):
    ear = Ear()
    device.service("serial").listen("P3", ear)
    printed = device.run("""
        from array import array
        from machine import I2C, UART

        def shown(act, *args):
            try:
                print(act(*args))
            except TypeError:
                print("TypeError")

        uart, i2c = UART(1, 9600), I2C(0)
        shown(uart.write, b"abcdef", 2)
        shown(uart.write, b"abcdef", 1, 3)
        shown(uart.write, array("B", [1, 2]))
        shown(uart.write, 65)
        uart.wait_tx_done(1000)
        shown(i2c.writeto, 9, [1, 2])
        """)
    assert printed.split() == ["2", "3", "2", "TypeError", "TypeError"]
    assert bytes(ear.heard) == b"abbcd\x01\x02"
