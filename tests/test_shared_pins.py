"""Programs and sensors on the pins that the board uses: modem, console, LED, inputs only."""

from __future__ import annotations

import pytest

MODEM = {"GPy": ("P5", "P98", "P7", "P99"), "FiPy": ("P20", "P18", "P19", "P17")}
TALK = "print(repr(lte.send_at_cmd('AT', timeout=300)))\n"

# (which of the four, what the program does with it, whether the modem still answers)
USES = [
    (0, "machine.Pin({pin!r})", False),
    (0, "machine.Pin({pin!r}, mode=machine.Pin.OUT, value=1)", False),
    (1, "machine.Pin({pin!r})", True),
    (2, "machine.Pin({pin!r})", False),
    (2, "machine.Pin({pin!r}, mode=machine.Pin.OUT, value=1)", False),
    (2, "machine.Pin({pin!r}, mode=machine.Pin.OUT, value=0)", True),
    (3, "machine.Pin({pin!r})", True),
]


@pytest.mark.parametrize("name", MODEM)
@pytest.mark.parametrize(("which", "use", "answers"), USES)
def test_a_program_on_a_pin_of_the_modem(make_device, name, which, use, answers):
    device = make_device(name=name)
    use = use.format(pin=MODEM[name][which])
    device.run("import machine\nfrom network import LTE\nlte = LTE()\n" + TALK + use + "\n" + TALK)
    before, after = [line for line in device.log if "print" not in line][:2]
    assert before == repr("\r\nOK\r\n")
    assert after == (before if answers else "''")
    # the next start sets the pins up again
    device.run("import machine\nfrom network import LTE\nlte = LTE()\n" + TALK)
    assert device.log == [before]


def test_an_adc_channel_on_a_pin_of_the_modem_of_a_fipy(make_device):
    device = make_device(name="FiPy")
    device.run(
        "import machine\nfrom network import LTE\nlte = LTE()\n"
        "machine.ADC().channel(pin='P18').value()\n" + TALK
    )
    assert device.log == ["''"]


def test_the_pins_are_set_up_once_after_a_reset_on_every_firmware(make_device):
    program = (
        "import machine\nfrom network import LTE\nlte = LTE()\nlte.deinit()\n"
        "machine.Pin('P5')\ntry:\n    lte.init()\nexcept OSError as e:\n    print('no link')\n"
    )
    for firmware in ("1.20.2.r4", "1.20.2.r7"):
        device = make_device(firmware=firmware, modem_on_boot=False)
        device.run(program)
        assert device.log == ["no link"]


def test_a_pin_that_is_used_before_the_modem_is_taken_back_by_it(make_device):
    device = make_device(modem_on_boot=False)
    device.run(
        "import machine\npin = machine.Pin('P7', mode=machine.Pin.OUT, value=1)\n"
        "from network import LTE\nlte = LTE()\n" + TALK
    )
    assert device.log == [repr("\r\nOK\r\n")]


def test_a_sensor_that_is_switched_by_a_pin_of_the_modem_takes_the_modem_away(make_device):
    device = make_device({"chips": {"si7021": {"supply_pin": "P5"}}})
    device.put("config.py", (device.flash / "config.py").read_text().replace('"P11"', '"P5"'))
    [cycle] = device.start(["boot.py", "main.py"])
    assert (cycle.status, cycle.sent, cycle.cause) in (
        (-1, [], "modem_mute"),
        (-1, [], "configuration"),
    )
    assert "P5 is taken from the modem" in device.traced("power") or cycle.cause == "configuration"


def test_uart_0_is_the_console_itself(make_device):
    """As in the boot.py that boards come with."""
    device = make_device()
    device.run(
        "import os\nfrom machine import UART\nuart = UART(0, baudrate=115200)\n"
        "os.dupterm(uart)\nprint('printed')\nuart.write(b'written\\r\\n')\n"
        "uart.init(9600)\nprint('unreadable')\nuart.init(115200)\nprint('readable')\n"
    )
    assert [line for line in device.log if "P1" not in line] == ["printed", "written", "readable"]


def test_the_console_falls_silent_when_a_program_uses_its_output(make_device):
    device = make_device(modem_on_boot=False)
    program = "import machine\nprint('before')\nmachine.Pin({!r})\nprint('after')\n"
    for pin, shown in (("P1", "before\n"), ("P0", "before\nafter\n")):
        device.put("program.py", program.format(pin))
        device.start(["program.py"])
        assert device.output == shown


def test_the_led_pulls_its_pin_down_while_the_heartbeat_is_on(make_device):
    program = """
        import machine, pycom, utime
        pin = machine.Pin("P2", mode=machine.Pin.OUT, value=1)
        pycom.heartbeat({})
        pin(1)
        utime.sleep(9)
        show(pin())
        """
    device = make_device(modem_on_boot=False)
    supplies: list[int] = []
    device.service("pins").on_change("P2", supplies.append)
    assert device.run(program.format(True)) == [0]
    assert device.run(program.format(False)) == [1]
    assert supplies == [1, 0, 1, 0, 1, 0, 1, 0][: len(supplies)]


def test_a_pin_that_is_only_an_input_drives_nothing_and_says_nothing(make_device):
    device = make_device(modem_on_boot=False)
    device.service("pins").drive("P13", 0)
    shown = device.run(
        "import machine\np = machine.Pin('P13', mode=machine.Pin.OUT, value=1)\n"
        "show(p.mode() == machine.Pin.OUT)\nshow(p())\n"
    )
    assert shown == [True, 1]
    assert device.service("pins").level("P13") == 0
