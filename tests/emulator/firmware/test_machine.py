"""machine and its services (Pycom firmware 1.20.2.r4, esp32/mods)."""

from __future__ import annotations

from functools import partial

import pytest

from emulator.board.adc import raw_to_mv
from emulator.board.board import DEEPSLEEP_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET
from emulator.board.i2c import Nack

pytestmark = pytest.mark.both_runtimes

# Raw count to millivolts: evaluated from the constants of ESP-IDF esp_adc_cal, default-Vref path.
RAWS = (0, 1, 500, 1000, 2048, 2880, 2944, 3000, 3500, 4000, 4095)
MILLIVOLTS = {
    0: (75, 75, 193, 310, 557, 753, 768, 781, 899, 1016, 1039),
    1: (78, 78, 234, 390, 718, 978, 998, 1015, 1171, 1328, 1357),
    2: (107, 107, 323, 539, 992, 1352, 1380, 1404, 1620, 1836, 1877),
    3: (142, 143, 545, 948, 1792, 2462, 2502, 2543, 2857, 3094, 3134),
}
OTHER_VREF = [(1050, 0, 2048, 535), (1050, 3, 2048, 1717), (1050, 3, 3500, 2798),
              (1142, 0, 2048, 575), (1142, 3, 2048, 1855), (1142, 3, 3500, 2906)]  # fmt: skip


@pytest.mark.parametrize("attn", MILLIVOLTS)
def test_adc_characteristic(attn):
    assert tuple(raw_to_mv(raw, attn) for raw in RAWS) == MILLIVOLTS[attn]


@pytest.mark.parametrize(("vref", "attn", "raw", "mv"), OTHER_VREF)
def test_adc_characteristic_with_another_reference(vref, attn, raw, mv):
    assert raw_to_mv(raw, attn, vref) == mv


def test_adc_reads_its_source_with_noise(device):
    device.service("adc").sources["P16"] = lambda: 1500.0
    printed = device.run("""
        from machine import ADC
        channel = ADC(bits=12).channel(pin="P16", attn=ADC.ATTN_11DB)
        values = [channel.voltage() for n in range(200)]
        print(abs(sum(values) // 200 - 1500) <= 2, len(set(values)) > 3, max(values) < 1530)
        print(ADC().channel(id=3, attn=3).value() > 1500, channel.value_to_voltage(2048))
        """)
    assert printed == "True True True\nTrue 1792\n"


def test_adc_of_fewer_bits_and_out_of_range(device):
    device.service("adc").noise_counts = 0
    device.service("adc").sources.update(P13=lambda: 5000, P14=lambda: 20, P15=lambda: 557)
    printed = device.run("""
        from machine import ADC
        adc = ADC(bits=9)
        print([adc.channel(pin=p)() for p in ("P13", "P14", "P15")])
        print(adc.channel(pin="P14").voltage(), adc.vref())
        """)
    assert printed == "[511, 0, 256]\n75 1100\n"


def test_a_channel_is_one_object_and_keeps_what_it_was_set_to_last(device):
    device.service("adc").noise_counts = 0
    device.service("adc").sources.update(P13=lambda: 557)
    printed = device.run("""
        from machine import ADC
        adc = ADC(0)
        first = adc.channel(pin="P13", attn=ADC.ATTN_0DB)
        print(first())
        second = adc.channel(pin="P13", attn=ADC.ATTN_11DB)
        print(first is second, first() < 600, ADC(bits=9) is adc, first() < 75)
        adc.deinit()
        print(first() < 75)
        """)
    assert printed == "2048\nTrue True True True\nTrue\n"


REFUSED = [
    ("ADC(bits=8)", "ValueError: invalid argument(s) value"),
    ("ADC(1)", "OSError: resource not available"),
    ("ADC().channel(8)", "ValueError: resource not available"),
    ("ADC().channel(0, pin='P14')", "ValueError: invalid argument(s) value"),
    ("ADC().channel()", "ValueError: invalid argument(s) value"),
    ("a = ADC(); a.deinit(); a.channel(0)", "OSError: the requested operation is not possible"),
    ("c = ADC().channel(0); c.deinit(); c()", "OSError: the requested operation is not possible"),
    ("ADC().channel(pin='P2')", "OSError: resource not available"),
    ("ADC().channel(pin='P16', attn=4)", "ValueError: invalid"),
    ("Pin('P77')", "ValueError: invalid argument(s) value"),
    ("Pin('P9').on()", "AttributeError"),
    ("WDT(5000)", "TypeError"),
    ("WDT(id=1, timeout=5000)", "OSError: resource not available"),
    ("RTC().init((2020, 1))", "ValueError"),
    ("RTC().memory(bytes(2049))", "ValueError: buffer too long"),
    ("RTC().ntp_sync('x', update_period=14)", "ValueError: update period cannot be shorter than"),
    ("Timer.Alarm(print)", "ValueError: please provide a single duration"),
    ("Timer.Alarm(print, 1, ms=1)", "ValueError: please provide a single duration"),
    ("[Timer.Alarm(print, 9) for n in range(17)]", "MemoryError: maximum number of 16 alarms"),
    ("I2C(0, sda='P9')", "TypeError"),
    ("I2C(3)", "OSError: resource not available"),
    ("I2C().readfrom_mem(64, 0, 1, addrsize=12)", "ValueError: invalid memory address size 12"),
    ("ADC().vref_to_pin('P9')", "ValueError: only pins P6, P21 and P22 are able to output VREF"),
    ("Pin('P11').hold(True)", "OSError: the hold functionality is only available for GPIO pins"),
    ("Pin('P12').hold(False)", "OSError: the hold functionality is only available"),
    ("SD()", "OSError: the requested operation failed"),
    ("UART(2)", "OSError: resource not available"),
    ("Timer(0)", "TypeError"),
]


@pytest.mark.parametrize(("call", "error"), REFUSED, ids=[call for call, _ in REFUSED])
def test_what_machine_refuses(device, call, error):
    assert error in device.run(f"from machine import *\n{call}\n")


# pins


def test_pins_are_singletons_with_levels(device):
    printed = device.run("""
        from machine import Pin
        p = Pin("P9", mode=Pin.OUT, value=1)
        print(p(), Pin.module.P9 is p, Pin.exp_board.G16 is p, p.id(), p.mode())
        p.toggle(); print(p.value())
        p.value(1); p.hold(True); p(0); print(p(), p.hold())
        q = Pin("G17", mode=Pin.IN, pull=Pin.PULL_UP); print(q.id(), q(), q.pull())
        print(Pin("P11")(), Pin("P12", pull=Pin.PULL_DOWN)())
        """)
    assert printed == "1 True True P9 2\n0\n1 True\nP10 1 1\n0 0\n"


def test_toggle_turns_the_output_over_and_not_the_level_on_the_line(device):
    device.service("pins").hold_low("P9", "another", True)
    printed = device.run("""
        from machine import Pin
        p = Pin("P9", mode=Pin.OPEN_DRAIN, value=1)
        p.toggle(); p.mode(Pin.OUT); print(p())
        p.toggle(); print(p())
        p.hold(True); p.toggle(); p.toggle(); p.toggle(); print(p())
        p.hold(False); print(p())
        """)
    assert printed == "0\n1\n1\n0\n"


def test_setting_a_pin_up_again_ends_its_interrupts_and_changing_it_does_not(device):
    pins = device.service("pins")
    for at_ms in (100, 200, 300, 400):
        device.board.clock.schedule_ms(at_ms, lambda: pins.drive("P10", 1))
        device.board.clock.schedule_ms(at_ms + 50, lambda: pins.drive("P10", 0))
    printed = device.run("""
        from machine import Pin
        import utime
        pin = Pin("P10", pull=Pin.PULL_DOWN)
        pin.callback(Pin.IRQ_RISING, lambda p: print(utime.ticks_ms() // 100))
        utime.sleep_ms(150)
        pin.pull(Pin.PULL_UP); pin.mode(Pin.IN)
        utime.sleep_ms(100)
        pin.init(Pin.IN, Pin.PULL_DOWN)
        utime.sleep_ms(200)
        pin.callback()
        """)
    assert printed == "1\n2\n"


def test_objects_print_what_they_are_and_no_address_of_memory(device):
    printed = device.run("""
        from machine import ADC, I2C, Pin, UART
        print(Pin("P9", mode=Pin.OPEN_DRAIN, pull=Pin.PULL_UP), Pin("P10"))
        bus = I2C(1, baudrate=400000)
        adc = ADC(bits=10)
        channel = adc.channel(pin="P18", attn=3)
        print(bus, adc, channel)
        bus.deinit(); adc.deinit(); channel.deinit()
        print(bus, adc, channel)
        print(UART(1, 1200, 7, UART.EVEN), UART(1))
        """)
    assert printed.splitlines() == [
        "Pin('P9', mode=Pin.OPEN_DRAIN, pull=Pin.PULL_UP, alt=-1) "
        "Pin('P10', mode=Pin.IN, pull=None, alt=-1)",
        "I2C(1, I2C.MASTER, baudrate=400000) ADC(0, bits=10) ADCChannel(6, pin=P18, attn=3)",
        "I2C(1) ADC(0) ADCChannel(6)",
        "UART(1, baudrate=1200, bits=7, parity=UART.EVEN, stop=1) "
        "UART(1, baudrate=9600, bits=8, parity=None, stop=1)",
    ]


def test_an_edge_from_outside_calls_the_handler(device):
    pins = device.service("pins")
    for at_ms, level in ((100, 1), (150, 0), (200, 1)):
        device.board.clock.schedule_ms(at_ms, partial(pins.drive, "P10", level))
    printed = device.run("""
        from machine import Pin
        import utime
        pin = Pin("P10", pull=Pin.PULL_DOWN)
        pin.callback(Pin.IRQ_RISING, lambda p: print(p.id(), p(), utime.ticks_ms()))
        utime.sleep_ms(170)
        pin.callback(Pin.IRQ_FALLING | Pin.IRQ_RISING, print, arg="both")
        utime.sleep_ms(100)
        """)
    assert printed == "P10 1 100\nboth\n"


def test_a_pin_supplies_a_chip(device):
    seen = []
    device.service("pins").on_change("P22", seen.append)
    device.run("from machine import Pin\np = Pin('P22', mode=Pin.OUT)\np(1)\np(1)\np(0)\np(1)\n")
    assert seen == [1, 0, 1]
    device.board.reset(WDT_RESET)
    assert seen == [1, 0, 1, 0]


def test_a_held_pin_keeps_its_level_over_deep_sleep(device):
    seen = []
    device.service("pins").on_change("P22", seen.append)
    device.run("""
        from machine import Pin, deepsleep
        p = Pin("P22", mode=Pin.OUT, value=1)
        p.hold(True)
        deepsleep(10)
        """)
    device.board.reset(DEEPSLEEP_RESET)
    assert seen == [1]


# RMT


def test_pulses_are_sent_in_ticks_of_the_channel(device):
    pins, seen = device.service("pins"), []
    pins.on_change("P21", lambda level: seen.append((level, device.board.clock.now_us)))
    printed = device.run("""
        from machine import RMT
        import utime
        slow = RMT(channel=4, gpio="P21", tx_idle_level=RMT.LOW)
        a = utime.ticks_us(); slow.pulses_send((300, 200, 400), start_level=1)
        print((utime.ticks_us() - a) // 100)
        slow.pulses_send(100, (1, 0, 1)); slow.pulses_send(50, 3, start_level=1)
        slow.deinit()
        RMT(channel=6, gpio="P21", tx_idle_level=0).pulses_send((80,), (1,))
        """)
    lengths = [after[1] - before[1] for before, after in zip(seen, seen[1:], strict=False)]
    levels = [level for level, _ in seen]
    assert printed == "9\n"
    assert levels == [1, 0] * 7
    assert lengths[::2] == [300, 400, 100, 100, 50, 50, 250]


def test_pulses_are_received_until_the_line_rests(device):
    frame = [(0, 80), (1, 26), (0, 50), (1, 70), (0, 9000), (1, 5)]
    device.service("pins").pulse_sources["P19"] = lambda: frame
    printed = device.run("""
        from machine import RMT
        rmt = RMT(channel=4, gpio="P19", rx_idle_threshold=1000, rx_filter_threshold=30)
        print(rmt.pulses_get(timeout=50), rmt.pulses_get(pulses=4), rmt.pulses_get(timeout=1))
        rmt.deinit()
        print(RMT(channel=2, gpio="P19", rx_idle_threshold=600).pulses_get(timeout=50))
        print(RMT(channel=7, gpio="P20", rx_idle_threshold=600).pulses_get(timeout=50))
        """)
    four = "((0, 80), (1, 26), (0, 50), (1, 70))"
    assert printed == f"{four} {four} ()\n()\n()\n"


def test_a_channel_that_receives_lets_go_of_the_line_when_it_is_set_up(device):
    pulled = []
    device.service("pins").on_level("P19", lambda level, at_us: pulled.append(level))
    device.run("""
        from machine import RMT, Pin
        Pin("P19", mode=Pin.OPEN_DRAIN)(0)
        RMT(channel=4, gpio="P19", rx_idle_threshold=1000)
        """)
    assert pulled == [0, None]


RMT_REFUSED = [
    ("RMT(channel=1, gpio='P21', tx_idle_level=0)", "Channel is invalid!"),
    ("RMT(channel=4, tx_idle_level=0)", "GPIO must be defined!"),
    ("RMT(channel=4, gpio='P21')", "Either RX or TX configuration must be given!"),
    ("RMT(channel=4, gpio='P21', tx_idle_level=0, rx_idle_threshold=9)", "only for RX or TX"),
    ("RMT(channel=4).pulses_get(timeout=1)", "RMT channel is not initialized!"),
    ("RMT(channel=4, gpio='P21', tx_idle_level=0).pulses_get()", "configured for TX!"),
    ("RMT(channel=4, gpio='P21', rx_idle_threshold=9).pulses_send(1, (1,))", "for RX!"),
    ("RMT(channel=4, gpio='P21', tx_idle_level=0).pulses_send((1, 2), (1,))", "must be equal!"),
    ("RMT(channel=4, gpio='P21', tx_idle_level=0).pulses_send(5)", "must be a tuple if"),
    ("RMT(channel=4, gpio='P21', tx_idle_level=0).pulses_send(5, 4)", "must be given!"),
    ("[RMT(channel=n, gpio='P21', tx_idle_level=0) for n in (4, 5)]", "already used by other"),
]


@pytest.mark.parametrize(("call", "error"), RMT_REFUSED, ids=[call for call, _ in RMT_REFUSED])
def test_what_the_rmt_refuses(device, call, error):
    told = device.run(f"from machine import *\n{call}\n")
    assert "ValueError: " in told
    assert error in told


# I2C


class Echo:
    """A chip that answers with what was written last, if it has power."""

    def __init__(self):
        self.data = b""
        self.powered = True

    def write(self, data: bytes) -> None:
        if not self.powered:
            raise Nack
        self.data = data or self.data

    def read(self, n: int) -> bytes:
        if not self.powered or not self.data:
            raise Nack
        return (self.data * n)[:n]

    def power(self, on: bool) -> None:
        self.powered = on


def test_reading_no_byte_of_a_register_is_no_transfer(device):
    printed = device.run("""
        from machine import I2C
        bus = I2C()
        print(bus.readfrom_mem(0x41, 0, 0), bus.readfrom_mem_into(0x41, 0, bytearray(0)))
        """)
    assert printed == "b'' 0\n"


def test_i2c_transfers(device):
    device.service("i2c").attach(0, 0x40, Echo())
    printed = device.run("""
        from machine import I2C
        bus = I2C(0, I2C.MASTER, baudrate=400000, pins=("P9", "P10"))
        print(bus.writeto(0x40, b"ab"), bus.readfrom(0x40, 3), bus.writeto(0x40, 7))
        print(bus.readfrom_mem(0x40, 0x1234, 2, addrsize=16), bus.writeto_mem(0x40, 1, b"xyz"))
        buf = bytearray(4)
        print(bus.readfrom_into(0x40, buf), buf, bus.scan())
        for call in (lambda: bus.readfrom(0x41, 1), lambda: bus.writeto(0x41, b"x")):
            try:
                call()
            except OSError as e:
                print(e.args)
        """)
    assert printed == (
        "2 b'aba' 1\nb'\\x124' 3\n4 bytearray(b'\\x01xyz') [64]\n"
        "('I2C bus error',)\n('I2C bus error',)\n"
    )


def test_the_soft_bus_does_not_see_a_chip_that_refuses_reads(device):
    device.service("i2c").attach(None, 0x40, Echo())
    code = "from machine import I2C\nprint(I2C({0}).scan())"
    assert device.run(code.format(2)) == "[]\n"
    assert device.run(code.format(1)) == "[64]\n"


def test_a_transfer_takes_its_time_on_the_bus(device):
    device.service("i2c").attach(0, 0x40, Echo())
    code = """
        from machine import I2C
        import utime
        bus = I2C(0, baudrate={})
        a = utime.ticks_us(); bus.writeto(0x40, bytes(10)); print(utime.ticks_us() - a)
        """
    slow, fast = (int(device.run(code.format(baud))) for baud in (100_000, 400_000))
    assert 1000 <= slow <= 1200
    assert slow - fast == pytest.approx(101 * 7.5, abs=3)


def test_i2c_faults(make_device):
    device = make_device(
        faults=[
            {"point": "i2c", "match": "read 0x40", "nth": 2, "do": "nack"},
            {"point": "i2c", "match": "write 0x40", "nth": 2, "do": "stuck"},
        ]
    )
    device.service("i2c").attach(0, 0x40, Echo())
    printed = device.run("""
        from machine import I2C
        import utime
        bus = I2C(0)
        bus.writeto(0x40, b"a")
        print(bus.readfrom(0x40, 1))
        for call in (lambda: bus.readfrom(0x40, 1), lambda: bus.writeto(0x40, b"a")):
            begin = utime.ticks_ms()
            try:
                call()
            except OSError as e:
                print(e, (utime.ticks_ms() - begin) // 1000)
        """)
    assert printed == "b'a'\nI2C bus error 0\nI2C bus error 6\n"


# clocks


def test_the_clock_starts_in_1970_and_deep_sleep_keeps_it(device):
    code = "import utime; print(utime.time(), utime.ticks_cpu() < 1000000)"
    device.board.clock.advance(5_000_000)
    device.board.reset(PWRON_RESET)
    assert device.run(code) == "0 True\n"
    device.run("""
        import machine
        machine.RTC().init((2024, 2, 29, 12, 0, 0, 0, 0))
        machine.RTC().memory(b"kept")
        machine.deepsleep(60000)
        """)
    assert device.service("system").sleep_through(60_000)
    device.put(
        "main.py",
        """
        import machine as m, utime
        print(utime.localtime()[:5], m.RTC().memory())
        print(m.reset_cause(), m.wake_reason(), m.remaining_sleep_time())
        """,
    )
    printed = device.restart(DEEPSLEEP_RESET)
    assert printed == "(2024, 2, 29, 12, 1) b'kept'\n3 (2, None) 0\n"
    device.put("main.py", "import machine as m, utime\nprint(utime.time(), m.RTC().memory())")
    assert device.restart(WDT_RESET) == "0 b''\n"


def test_setting_the_clock_moves_the_ticks_but_not_ticks_cpu(device):
    printed = device.run("""
        import utime
        from machine import RTC
        ms, cpu = utime.ticks_ms(), utime.ticks_cpu()
        RTC().init((2021, 1, 1))
        print(utime.ticks_diff(utime.ticks_ms(), ms) != 0, utime.ticks_cpu() - cpu < 1000)
        print(utime.time(), RTC().now()[:6], RTC().now()[7], utime.localtime())
        """)
    assert printed == (
        "True True\n1609459200 (2021, 1, 1, 0, 0, 0) None (2021, 1, 1, 0, 0, 0, 4, 1)\n"
    )


def test_ticks_wrap(device):
    device.service("rtc").ticks_offset_us = (1 << 32) * 1000 - 50_000
    printed = device.run("""
        import utime
        a = utime.ticks_ms()
        utime.sleep_ms(100)
        b = utime.ticks_ms()
        print(a > b, utime.ticks_diff(b, a), utime.time(), utime.ticks_add(0xFFFFFFFF, 2))
        """)
    assert printed in ("True 100 0 1\n", "True 101 0 1\n")


def test_delays_are_unsigned(device):
    device.run("import utime\nutime.sleep_ms(-1)\n")
    assert device.board.clock.now_us == pytest.approx((1 << 32) * 1000, abs=1_000_000)


@pytest.mark.parametrize(
    ("call", "us"), [("sleep(0.0129)", 12_000), ("sleep_us(70)", 70), ("sleep_ms(3)", 3000)]
)
def test_sleeping(device, call, us):
    code = f"import utime as t\na = t.ticks_us(); t.{call}; print(t.ticks_us() - a)"
    assert int(device.run(code)) - us in range(100)


@pytest.mark.parametrize(
    ("seconds", "fields"),
    [
        (0, (1970, 1, 1, 0, 0, 0, 3, 1)),
        (951782400, (2000, 2, 29, 0, 0, 0, 1, 60)),
        (1609459199, (2020, 12, 31, 23, 59, 59, 3, 366)),
        (4107542400, (2100, 3, 1, 0, 0, 0, 0, 60)),
    ],
)
def test_calendar(device, seconds, fields):
    code = f"import utime; t = utime.gmtime({seconds}); print(t); print(utime.mktime(t))"
    assert device.run(code) == f"{fields}\n{seconds}\n"


# watchdog, timers, sleep


def test_a_fed_watchdog_does_not_bite(device):
    device.run("""
        from machine import WDT
        import utime
        w = WDT(timeout=1000)
        for n in range(20):
            utime.sleep_ms(900)
            w.feed()
        utime.sleep_ms(5000)
        """)
    assert device.outcome.halt.cause == WDT_RESET
    assert device.board.clock.now_ms == pytest.approx(19_000, abs=60)


def test_the_watchdog_survives_a_soft_reset_and_ends_in_deep_sleep(device):
    arm = "from machine import WDT, deepsleep\nWDT(timeout=2000)\n"
    device.run(arm)
    assert "reset" == (device.restart(SOFT_RESET) and None or device.vm.idle(9_000_000).kind)
    device.board.reset(WDT_RESET)
    assert not device.service("wdt").armed
    device.run(arm + "deepsleep(10000)")
    assert not device.service("wdt").armed


def test_wdt_on_boot_is_armed_before_the_program(device):
    device.run("import pycom\npycom.wdt_on_boot(True)\npycom.wdt_on_boot_timeout(6000)\n")
    device.board.reset(PWRON_RESET)
    device.run("import utime\nutime.sleep(20)\n")
    assert device.outcome.halt.cause == WDT_RESET


def test_wdt_on_boot_without_a_stored_time_is_taken_back(device):
    device.run("import pycom\npycom.wdt_on_boot(True)\n")
    device.board.reset(PWRON_RESET)
    printed = device.run("import pycom\nprint(pycom.wdt_on_boot(), pycom.wdt_on_boot_timeout())")
    assert printed == "False 4294967295\n"
    assert not device.service("wdt").armed


def test_an_alarm_in_ms_wraps_and_one_in_s_does_not(device):
    printed = device.run("""
        from machine import Timer
        import utime
        Timer.Alarm(lambda a: print("early", utime.time()), ms=120000)
        Timer.Alarm(lambda a: print("right", utime.time()), 120)
        utime.sleep(200)
        """)
    assert printed == "early 12\nright 120\n"


def test_chrono_reads_single_precision(device):
    printed = device.run("""
        from machine import Timer
        import utime
        c = Timer.Chrono()
        c.start(); utime.sleep_ms(1500); c.stop(); utime.sleep_ms(500)
        print(int(c.read_ms()) in (1500, 1501), type(c.read_us()) is float)
        c.start(); utime.sleep(20)
        print(c.read_us() % 2 == 0.0, int(c.read()))
        """)
    assert printed == "True True\nTrue 21\n"


def test_reset_says_watchdog(device):
    device.run("import machine; machine.reset()")
    assert device.restart(device.outcome.halt.cause) == ""
    assert device.board.reset_cause == WDT_RESET


def test_a_pin_wakes_the_board_early(device):
    device.run("""
        import machine
        machine.pin_sleep_wakeup([machine.Pin("P10")], machine.WAKEUP_ANY_HIGH)
        machine.deepsleep(60000)
        """)
    drive = partial(device.service("pins").drive, "P10", 1)
    device.board.clock.schedule_ms(20_000, drive)
    assert device.service("system").sleep_through(60_000)
    device.put("main.py", "import machine\nr, p = machine.wake_reason()\n"
               "print(r, p[0].id(), machine.remaining_sleep_time())")  # fmt: skip
    assert device.restart(DEEPSLEEP_RESET) == "1 P10 40000\n"


def test_light_sleep_draws_little_and_goes_on(device):
    device.board.meter.set("esp", "run", 41.0)
    device.run("import machine\nmachine.sleep(5000)\nprint('on')")
    assert device.board.meter.time_ms("esp", "lightsleep") == 5000
    assert device.board.meter.state("esp") == "run"


def test_uart_is_fed_by_the_scenario(device):
    serial = device.service("serial")
    serial.feed(1, b"early\n")
    device.board.clock.schedule_ms(50, lambda: serial.feed(1, b"ab\nc"))
    printed = device.run("""
        from machine import UART
        import utime
        u = UART(1, 9600)
        print(u.any(), u.read())  # nobody listened before
        utime.sleep_ms(60)
        print(u.readline(), u.read(5), u.write("hi"))
        u.deinit()
        u.read()
        """)
    assert printed.startswith("0 None\nb'ab\\n' b'c' 2\n")
    assert printed.endswith("OSError: UART not Initialized!\n")
    assert serial.sent[1] == b"hi"


def test_identity(device):
    printed = device.run("""
        import machine
        print(len(machine.unique_id()), machine.freq(), type(machine.temperature()) is int)
        print(machine.rng() < 1 << 24, machine.reset_cause(), machine.wake_reason())
        """)
    assert printed == "6 160000000 True\nTrue 0 (0, None)\n"


def test_a_collection_over_the_large_heap_takes_100_ms(device):
    code = "import gc, utime\na = utime.ticks_ms(); gc.collect(); print(utime.ticks_ms() - a)"
    assert device.run(code) == "100\n"
