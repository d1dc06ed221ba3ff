"""machine.UART on the modem's own pins, as a script meets it that does without network.LTE."""

from __future__ import annotations

import pytest

from emulator.board.board import SOFT_RESET

PINS = {"GPy": ("P5", "P98", "P7", "P99"), "FiPy": ("P20", "P18", "P19", "P17")}
HEAD = """
import machine, utime
from machine import UART, Pin
PINS = {pins!r}

def opened(pins=PINS, **options):
    return UART(1, 921600, pins=pins, timeout_chars=10, **options)

def ask(uart, line, ms=300):
    uart.write(line + "\\r")
    utime.sleep_ms(ms)
    return uart.read()

def awake():
    uart = opened()
    utime.sleep_ms(700)
    ask(uart, "ATE0")
    return uart

def tried(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return str(error)
"""
OK = b"\r\nOK\r\n"
FAILED = "the requested operation failed"


@pytest.fixture
def run(make_device):
    """run(program, scenario, name): what the program shows; `run.device` is the board."""

    def run_it(program, scenario="good", name="GPy", ends="finished", device=None):
        if device is None:
            device = make_device(scenario, name=name, modem_on_boot=False)
        run_it.device = device
        return device.run(HEAD.format(pins=PINS[name]) + program, ends=ends)

    return run_it


@pytest.mark.both_runtimes
@pytest.mark.parametrize("name", PINS)
def test_a_script_that_begins_as_pycoms_updater_gets_its_answers(run, name):
    """+++ outside data state stays in the line, which costs one ERROR."""
    shown = run(
        """
uart = UART(1, baudrate=921600, pins=PINS, timeout_chars=1)
uart.read()
uart = UART(1, baudrate=921600, pins=PINS, timeout_chars=10)
uart.read()
uart.write(b"+++")
utime.sleep_ms(1150)
show(uart.read())
for line in ("AT", "AT", "AT+SMOD?", "AT+BIND=AT", "ATE0", "AT+CFUN=4"):
    uart.write(line + "\\r\\n")
    utime.sleep_ms(250)
    show(uart.read())
uart.deinit()
""",
        name=name,
    )
    assert shown == [
        b"+++", b"AT\r\r\nERROR\r\n", b"AT\r" + OK, b"AT+SMOD?\r\r\n2" + OK,
        b"AT+BIND=AT\r" + OK, b"ATE0\r" + OK, OK,
    ]  # fmt: skip
    cycle = run.device.cycle
    assert (cycle.at_exchanges, cycle.status) == (7, -1)


def test_what_a_script_reaches_is_in_the_account_of_the_cycle(run):
    run("""
uart = awake()
ask(uart, "AT+CFUN=1", 20000)
show(ask(uart, "AT+CEREG?"))
uart.deinit()
""")
    assert run.device.shown == [b"\r\n+CEREG: 1,1\r\n" + OK]
    assert (run.device.cycle.status, run.device.cycle.at_exchanges) == (1, 3)
    assert run.device.cycle.uart_bytes > 40


LINES = """
def lines(uart):
    return Pin.module.P99.value(), Pin.module.P7.value()
"""


@pytest.mark.both_runtimes
def test_opening_asserts_rts_and_closing_releases_it(run):
    """Of an output value() is the number that was stored, not the level."""
    shown = run(
        LINES
        + """
uart = opened()
show(lines(uart))
utime.sleep_ms(700)
show(lines(uart))
show(ask(uart, "AT")[-6:])
uart.deinit()
uart = UART(1, 9600, pins=("P3", "P4"))
utime.sleep(10)
show(lines(uart))
"""
    )
    assert shown == [[1, 1], [0, 1], OK, [1, 1]]
    assert run.device.board.meter.state("modem") == "off"


@pytest.mark.both_runtimes
def test_a_modem_that_holds_cts_keeps_the_fifo_and_a_longer_write_fails_half_way(run):
    shown = run("""
uart = opened()  # the modem wakes up
show((uart.write(b"x" * 127 + b"\\r"), uart.wait_tx_done(20)))
begin = utime.ticks_us()
show(tried(uart.write, b"AT\\r"))
show(utime.ticks_diff(utime.ticks_us(), begin) // 1000)
show((uart.wait_tx_done(1000), uart.wait_tx_done(1000)))
utime.sleep_ms(100)
show(uart.read()[-9:])
show(ask(uart, "AT")[-6:])
uart.deinit()
opened()  # loses what was in the FIFO
""")
    assert shown == [[128, False], FAILED, 5, [True, True], b"\r\nERROR\r\n", OK]


@pytest.mark.parametrize(
    ("opens", "answered"),
    [
        ("opened()", True),
        ("opened(PINS[:2] + (PINS[2], None))", False),  # CTS is not looked at: lost
        ("opened(PINS[:2])", False),  # and nobody asserts RTS
    ],
)
def test_without_cts_what_a_sleeping_modem_is_sent_is_lost(run, opens, answered):
    shown = run(f"uart = {opens}\nuart.write('AT\\r')\nutime.sleep(1)\nshow(uart.read())")
    assert shown == [b"AT\r" + OK if answered else None]


def test_rts_as_an_ordinary_output_does_with_two_pins(run):
    shown = run("""
uart = opened(PINS[:2])
rts = Pin("P7", mode=Pin.OUT, value=0)
utime.sleep_ms(700)
show(ask(uart, "ATE0"))
ask(uart, 'AT!="setlpm airplane=0 enable=0"')  # so that it does not sleep
rts(1)
show(ask(uart, "AT"))
rts(0)
utime.sleep_ms(10)
show(uart.read())
""")
    assert shown == [b"ATE0\r" + OK, None, OK]


# (which of the four, what a program does with it while the UART is open, what it still reads)
USES = [
    (0, "Pin({pin!r})", None),
    (1, "Pin({pin!r})", OK),
    (1, "Pin({pin!r}, mode=Pin.OUT)", None),
    (2, "Pin({pin!r})", None),
    (2, "Pin({pin!r}, mode=Pin.OUT, value=0)", OK),
    (2, "Pin.module.{pin}.value(1)", OK),  # the stored number; the pad is the UART's
    (3, "Pin({pin!r})", OK),
    (3, "Pin({pin!r}, mode=Pin.OUT, value=1)", None),
]


@pytest.mark.parametrize(("which", "use", "read"), USES)
def test_constructing_a_pin_takes_it_from_the_uart(run, which, use, read):
    use = use.format(pin=PINS["GPy"][which])
    twice = "uart = awake()\n{}\nshow(ask(uart, 'AT'))\n"
    shown = run(twice.format(use) + twice.format(""))
    assert shown == [read, OK]


RINGS = [("PINS", True), ("PINS[:2] + (None, PINS[3])", False)]


@pytest.mark.parametrize(("pins", "whole"), RINGS)
def test_a_full_ring_holds_the_modem_with_rts_and_loses_bytes_without(run, pins, whole):
    shown = run(f"""
uart = opened()
utime.sleep_ms(700)
ask(uart, "ATE0")
Pin("P7", mode=Pin.OUT, value=0)
uart = opened({pins}, rx_buffer_size=256)
if PINS[2] not in {pins}:
    Pin("P7", mode=Pin.OUT, value=0)
utime.sleep_ms(700)
uart.write("AT+CLAC\\r")
text = b""
for _ in range(40):
    utime.sleep_ms(20)
    text += uart.read(200) or b""
show(len(text))
show(text.endswith(b"\\r\\nOK\\r\\n"))
""")
    said = run.device.emulator.uart.modem_bytes - len("ATE0\r" + OK.decode())
    assert (shown[0] == said, shown[1] or not whole) == (whole, True)
    assert said > 700


def test_the_ring_says_what_has_come_after_a_silence_of_the_line(run):
    shown = run("""
uart = awake()
uart.write("AT\\r")
while not uart.any():
    utime.sleep_us(50)
show(uart.any())
uart = awake()
show(tried(UART, 2))
""")
    assert shown == [6, "resource not available"]


# FiPy: hold over deep sleep

HELD = """
show([tried(Pin(pin, mode=Pin.OUT, value=1).hold, True) for pin in (PINS[0], PINS[2])])
machine.deepsleep(60000)
"""
ON_WAKE = """
show(Pin.module.P19.hold())
uart = opened()
utime.sleep(1)
show(ask(uart, "AT"))
Pin("P19", mode=Pin.OUT, value=1).hold(False)
uart = opened()
utime.sleep(1)
show(ask(uart, "AT")[-6:])
"""


@pytest.mark.both_runtimes
def test_rts_held_over_deep_sleep_keeps_the_modem_deaf_until_it_is_let_go(run):
    assert run(HELD, name="FiPy", ends="deepsleep") == [[None, None]]
    assert run(ON_WAKE, name="FiPy", device=run.device) == [False, None, OK]


def test_a_gpy_cannot_hold_the_pins_of_the_modem(run):
    domain = "the hold functionality is only available for GPIO pins in the RTC domain"
    shown = run("show([tried(Pin.module.__getattr__(pin).hold, True) for pin in PINS])")
    assert shown == [[domain] * 4]


SLEEPS = [
    # board, what it does before it sleeps, what the modem reads while nobody drives RTS, its state
    ("GPy", "awake().deinit()", "released", "off"),
    ("GPy", "awake()", "released", "off"),  # open: the pads lose their drive all the same
    ("GPy", "awake().deinit()", "asserted", "at"),
    ("FiPy", "awake().deinit()", "asserted", "at"),
    ("GPy", "from network import LTE; LTE().deinit()", "released", "off"),
    ("GPy", "from network import LTE; LTE().deinit()", "asserted", "at"),
    ("GPy", "from network import LTE; LTE()", "asserted", "at"),
    ("FiPy", "awake().deinit(); Pin('P19', mode=Pin.OUT, value=1).hold(True)", "asserted", "off"),
]


@pytest.mark.parametrize(("name", "before", "floating", "state"), SLEEPS)
def test_rts_in_deep_sleep_is_what_the_modem_reads_of_a_floating_pad(
    run, name, before, floating, state
):
    scenario = {"modem": {"rts_in_deepsleep": floating}}
    run(f"{before}\nmachine.deepsleep(600000)", scenario, name, ends="deepsleep")
    assert run.device.board.meter.state("modem") == state
    assert run.device.emulator.uart.rts is (state == "at")


@pytest.mark.parametrize(
    ("ends", "rts"), [("soft", False), ("machine.reset()", False), ("stays", True)]
)
def test_what_ends_a_program_and_what_it_leaves_of_rts(run, ends, rts):
    program = ends if ends == "machine.reset()" else ""
    run("awake()\n" + program, ends="reset" if program else "finished")
    if ends == "soft":
        run.device.board.reset(SOFT_RESET)
    assert run.device.emulator.uart.rts is (rts or bool(program))
    run("show(0)", device=run.device)
    assert run.device.emulator.uart.rts is False


# beside the LTE driver

TALK = """
def talk():
    return lte.send_at_cmd("AT", timeout=300)
"""


def test_a_uart_opened_beside_the_driver_takes_its_outputs_and_both_hear(run):
    shown = run(
        TALK
        + """
from network import LTE
lte = LTE()
uart = opened()
show((ask(uart, "AT"), talk()))
show(uart.read())
uart.deinit()
show(talk())
"""
    )
    assert shown == [[OK, ""], None, ""]


@pytest.mark.parametrize("name", PINS)
def test_the_driver_works_once_a_uart_is_closed_and_a_uart_behind_the_driver(run, name):
    """What a program needs that falls back in the same cycle; the driver cannot come back."""
    shown = run(
        TALK
        + """
awake().deinit()
from network import LTE
lte = LTE()
show(talk())
lte.deinit()
uart = awake()
show(ask(uart, "AT"))
uart.deinit()
show(tried(lte.init))
""",
        name=name,
    )
    assert shown == [
        "\r\nOK\r\n",
        OK,
        "Couldn't start connection to Modem (modem_state=disconnected)",
    ]


def test_the_driver_takes_the_outputs_of_an_open_uart_and_both_hear(run):
    shown = run(
        TALK
        + """
uart = awake()
from network import LTE
lte = LTE()
uart.read()
show((talk(), uart.read()))
uart.write("AT\\r")
utime.sleep_ms(100)
show(uart.read())
"""
    )
    assert shown == [["\r\nOK\r\n", OK], None]


@pytest.mark.parametrize(
    ("scenario", "opens"),
    [
        ({"modem": {"uart1": False}}, "opened()"),
        ({"modem": {"start": "off"}}, "opened()"),
        ("good", "UART(1, 115200, pins=PINS)"),
        ("good", "UART(1, 921600, 7, 2, pins=PINS)"),
    ],
)
def test_what_never_answers(run, scenario, opens):
    shown = run(f"uart = {opens}\nutime.sleep(1)\nshow(ask(uart, 'AT'))", scenario)
    assert shown == [None]


ASLEEP = [
    ({}, 1, True),
    ({"cts_asleep": "asserted"}, 0, False),  # taken by nobody
    ({"cts_blocks": False}, 0, True),
]


@pytest.mark.parametrize(("modem", "level", "answered"), ASLEEP)
def test_cts_of_a_sleeping_modem(run, modem, level, answered):
    shown = run(
        """
show(Pin.module.P99.value())
uart = opened()
uart.write("AT\\r")
utime.sleep(1)
show(uart.read())
""",
        {"modem": modem},
    )
    assert shown == [level, b"AT\r" + OK if answered else None]


def test_cts_is_released_while_the_modem_restarts_and_bytes_wait_for_it(run):
    shown = run(
        """
uart = awake()
ask(uart, "AT+CFUN=4,1", 1500)
show(Pin.module.P99.value())
uart.write("AT\\r")
utime.sleep(3)
show(uart.read())
""",
        {"modem": {"boot_ms": 3000}},
    )
    assert shown == [1, b"\r\n+SYSSTART\r\nAT\r" + OK]


# the modem goes on while the board sleeps

AT = """
def until(uart, text, ms=60000):
    got = b""
    while text not in got and ms > 0:
        utime.sleep_ms(5)
        ms -= 5
        got += uart.read() or b""
    return got

def line(uart, text):
    uart.write(text + "\\r")
    return until(uart, b"OK\\r\\n", 5000)
"""
ATTACH = (
    AT
    + """
uart = awake()
line(uart, 'AT+CPSMS=1,,,"00100011","00000001"')
line(uart, "AT+CEREG=5")
line(uart, "AT+SQNIPSCFG=1,100")
line(uart, "AT+CFUN=1")
until(uart, b"+CEREG: 1")
while b"+CGATT: 1" not in line(uart, "AT+CGATT?"):
    utime.sleep_ms(200)
line(uart, "AT+SQNSCFG=1,1,0,0,600,50")
show(line(uart, 'AT+SQNSD=1,1,5683,"198.51.100.7",0,5683,1'))
uart.deinit()
machine.deepsleep(1800000)
"""
)
RESUME = (
    AT
    + """
begin = utime.ticks_ms()
uart = opened()
until(uart, b"OK", 1) or uart.write("AT\\r")
show(until(uart, b"OK\\r\\n"))
show(line(uart, "AT+CEREG?").split(b"\\r\\n")[1])
show(line(uart, "AT+SQNSS=1").split(b",")[1])
uart.write("AT+SQNSSENDEXT=1,5\\r")
until(uart, b"> ")
uart.write("hello")
show(until(uart, b"OK\\r\\n"))
uart.deinit()
show(utime.ticks_diff(utime.ticks_ms(), begin) < 1500)
machine.deepsleep(1800000)
"""
)


@pytest.mark.both_runtimes
def test_a_registration_and_a_socket_outlive_the_deep_sleep_of_the_board(run):
    """A report out of power saving mode costs no attach: 2 J less than with one."""
    scenario = {"radio": {"loss": 0.0, "outliers": False}, "modem": {"cereg": 0}}
    assert run(ATTACH, scenario, ends="deepsleep") == [OK]
    device = run.device
    assert device.board.meter.state("modem") == "psm"
    attach_mj = device.cycle.energy_mj
    shown = run(RESUME, device=device, ends="deepsleep")
    granted = b'+CEREG: 5,1,"1A2B","01A2D003",9,,,"00000001","00100011"'
    assert shown == [OK, granted, b"2", OK, True]
    assert device.cycle.on_air == 1
    assert device.board.meter.state("modem") == "psm"
    assert device.cycle.energy_mj < attach_mj - 1500


def test_the_modem_lets_go_of_a_floating_rts_only_by_a_hold(run):
    """8 mA and more for the whole sleep is what a GPy may pay."""
    scenario = {"modem": {"rts_in_deepsleep": "asserted"}}
    run(ATTACH, scenario, ends="deepsleep")
    assert run.device.board.meter.state("modem") == "at"
    held = ATTACH.replace(
        "machine.deepsleep", "Pin(PINS[2], mode=Pin.OUT, value=1).hold(True)\nmachine.deepsleep"
    )
    run(held, scenario, "FiPy", ends="deepsleep")
    assert run.device.board.meter.state("modem") == "psm"


def test_a_modem_in_its_loader_answers_at_115200_baud_alone(run):
    shown = run(
        """
for baud in (921600, 115200):
    uart = UART(1, baud, pins=PINS, timeout_chars=10)
    utime.sleep(1)
    show((ask(uart, "AT"), ask(uart, "AT+CFUN?")))
uart.deinit()
from network import LTE
show(tried(LTE))
""",
        {"modem": {"recovery_115200": True}},
    )
    assert shown == [
        [None, None],
        [b"AT\r" + OK, b"AT+CFUN?\r\r\nERROR\r\n"],
        "Couldn't start connection to Modem (modem_state=recovery)."
        " Perform a modem firmware update.",
    ]


def test_the_drivers_restart_of_the_modem_takes_what_it_takes_in_the_field(run):
    """About 5 s: +SHUTDOWN and +SYSSTART are each waited for by itself."""
    shown = run("""
from network import LTE
lte = LTE()
begin = utime.ticks_ms()
lte.deinit(reset=True)
show(utime.ticks_diff(utime.ticks_ms(), begin))
""")
    assert 2500 < shown[0] < 8000


def test_a_break_of_the_modem_in_data_state_is_read_as_a_nul(run):
    shown = run(
        AT
        + """
uart = awake()
for text in ("AT+SQNIBRCFG=1,100", "AT+CFUN=1"):
    line(uart, text)
until(uart, b"+CEREG: 1")
utime.sleep(4)
uart.write('AT+CGDATA="PPP",1\\r')
show(until(uart, b"CONNECT\\r\\n"))
utime.sleep_ms(60000 - utime.ticks_ms())
show(uart.read())
""",
        {"fault": [{"point": "time", "at_ms": 50_000, "do": "urc", "text": "+CTZV: 4"}]},
    )
    assert shown == [b"\r\nCONNECT\r\n", b"\x00"]
