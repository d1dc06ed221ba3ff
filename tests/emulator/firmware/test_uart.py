"""machine.UART as the device sees it."""

from __future__ import annotations

import pytest

from emulator.board.framing import EVEN, Framing


class Ear:
    def __init__(self):
        self.heard = []
        self.space_ms = []

    def character(self, symbol, start_us):
        self.heard.append(Framing(1200, 7, EVEN).read(symbol))

    def space(self, start_us):
        self.space_ms.append(start_us // 1000)


@pytest.mark.both_runtimes
def test_a_program_sends_a_break_and_seven_bits_with_parity(device):
    ear = Ear()
    device.service("serial").listen("P3", ear)
    printed = device.run("""
        from machine import UART, Pin
        import utime
        u = UART(1, 1200, 7, UART.EVEN, 1)
        begin = utime.ticks_us()
        u.sendbreak(14)
        took = utime.ticks_diff(utime.ticks_us(), begin)
        print(took // 500, u.write("0!"), u.wait_tx_done(100), Pin.module.P3())
        u.deinit()
        """)
    assert printed == "25 2 True 1\n"
    assert ear.heard == [(0x30, True), (0x21, True)]
    assert len(ear.space_ms) == 1


@pytest.mark.both_runtimes
def test_a_gps_that_talks_once_a_second_is_read_in_every_way(device):
    sentences = b"$GPGGA,123519,4807.038,N*47\r\n$GPRMC,123519,A*6A\r\n"
    clock, serial = device.board.clock, device.service("serial")

    def talk():
        serial.feed(1, sentences)
        clock.schedule(1_000_000, talk)

    clock.schedule(1_500_000, talk)
    printed = device.run("""
        from machine import UART
        import uselect, utime
        u = UART(1, baudrate=9600, timeout_chars=10)
        while not u.any():
            utime.sleep_ms(50)
        print(u.readline(), u.readline(10), len(u.read()))
        poll = uselect.poll()
        poll.register(u, uselect.POLLIN)
        print(poll.poll(100), poll.poll(2000) == [(u, uselect.POLLIN)])
        print([line[:6] for line in u], u.readline())
        print(uselect.select([u], [u], [], 0) == ([], [u], []))
        """)
    assert printed == (
        "b'$GPGGA,123519,4807.038,N*47\\r\\n' b'$GPRMC,123' 10\n"
        "[] True\n[b'$GPGGA', b'$GPRMC'] None\nTrue\n"
    )


REFUSED = [
    ("UART(1, 0)", "ValueError: invalid argument(s) value"),
    ("UART(1, bits=9)", "ValueError: invalid bits size 9"),
    ("UART(1, parity=0)", "ValueError: invalid parity 0"),
    ("UART(1, stop=3)", "ValueError: invalid stop bits"),
    ("UART(1, rx_buffer_size=128)", "ValueError: invalid RX buffer size, should be > 128 bytes"),
    ("UART(1, pins=('P3', 'P4', 'P8'))", "ValueError: invalid argument(s) value"),
    ("UART(1, pins=('P3', None, 'P8', 'P9'))", "ValueError: invalid argument(s) value"),
    ("UART(1, pins=(None, 'P4', None, 'P9'))", "ValueError: invalid argument(s) value"),
    ("UART(1, pins=('P3', 'P99x'))", "ValueError: invalid argument(s) value"),
    ("UART(2)", "OSError: resource not available"),
]


@pytest.mark.parametrize(("call", "error"), REFUSED, ids=[call for call, _ in REFUSED])
def test_what_a_uart_refuses(device, call, error):
    assert error in device.run(f"from machine import UART\n{call}\n")
