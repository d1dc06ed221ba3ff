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


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("utime.sleep('1')", "can't convert str to float"),
        ("utime.sleep_ms(0.5 * 1000)", "can't convert float to int"),
        ("machine.deepsleep(60.0)", "can't convert float to int"),
        ("machine.WDT(timeout=None)", "can't convert NoneType to int"),
        ("pycom.rgbled('red')", "can't convert str to int"),
        ("machine.PWM(0)", "'frequency' argument required"),
        ("machine.PWM(4, 50)", "resource not available"),
        ("machine.SPI(0, bits=9)", "invalid argument(s) value"),
        ("utime.mktime((2020, 1, 1))", "mktime needs a tuple of length 8 or 9 (3 given)"),
        ("utime.mktime(utime.localtime(1000))", "1000"),
        ("machine.RTC().memory('text'), machine.RTC().memory()", "None b'text'"),
        (
            "machine.SPI(0)",
            "SPI(0, SPI.MASTER, baudrate=1000000, bits=8, polarity=0, phase=0, firstbit=SPI.MSB)",
        ),
    ],
)
def test_arguments_are_taken_as_the_firmware_takes_them(device, call, answer):
    printed = device.run(f"""
        import machine, pycom, utime
        pycom.heartbeat(False)
        utime.timezone(3600)
        try:
            print({call})
        except Exception as e:
            print(e)
        """)
    assert printed.strip() == answer
