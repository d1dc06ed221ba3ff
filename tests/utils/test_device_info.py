"""utils.device_info: what the board tells of itself, on boards that have it and that lack it."""

from __future__ import annotations

import pytest

from emulator.device_files import ROOT

pytestmark = pytest.mark.both_runtimes

IDS = "from utils import device_info\nshow(device_info.get_lte_ids())\n"
NONE = [None] * 5


def test_identity_reset_cause_and_heap(device):
    [firmware, cause, identity, heap, again] = device.run("""
        from utils import device_info
        import machine
        show(device_info.get_device_fw())
        show(device_info.get_reset_cause())
        show(device_info.get_device_id())
        show(device_info.get_heap_memory())
        show(device_info.get_device_id()[1] == machine.unique_id())
    """)
    assert firmware[0] == "1.20.2.r4"
    assert firmware[1].startswith("v1.11")
    assert cause == 0  # power-on
    assert identity == [device.service("system").mac.hex(), device.service("system").mac]
    assert all(type(number) is int and number > 0 for number in heap)
    assert again is True


@pytest.mark.cpython
def test_reset_causes_have_names(device):
    program = """
        from utils import device_info
        import machine
        names = ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET",
                 "BROWN_OUT_RESET")
        show([getattr(device_info, name) == getattr(machine, name) for name in names])
    """
    assert device.run(program) == [[True] * 6]


@pytest.mark.cpython
# The sensor's int -> Cel
@pytest.mark.parametrize(("raw", "celsius"), [(110, 43.3333), (32, 0), (0, -17.7778)])
def test_cpu_temperature(device, raw, celsius):
    device.service("system").do_temperature = lambda: raw
    both = device.run("""
        from utils import device_info
        show(device_info.get_cpu_temp())
        show(device_info.get_cpu_temp(unit_in_celsius=False))
    """)
    assert both == [pytest.approx(celsius, abs=0.001), raw]


def test_a_firmware_without_the_sensor_has_no_temperature(device):
    assert device.run("""
        import machine
        del machine.temperature
        from utils import device_info
        show(device_info.get_cpu_temp())
    """) == [None]


# LoRa


def test_lora_mac_of_a_board_with_the_radio(make_device):
    device = make_device(name="FiPy", modem_on_boot=False)
    lora = device.service("lora")
    [(text, mac)] = device.run("from utils import device_info\nshow(device_info.get_lora_mac())")
    assert (text, mac) == (lora.eui.hex().upper(), lora.eui)
    assert len(text) == 16
    assert lora.config.power_mode == 2  # asleep: it was only started for this


@pytest.mark.cpython
def test_lora_mac_leaves_a_radio_in_use_alone(make_device):
    device = make_device(name="FiPy", modem_on_boot=False)
    program = """
        from network import LoRa
        from utils import device_info
        lora = LoRa(mode=LoRa.LORAWAN, region=LoRa.EU868, sf=9)
        lora.join(activation=LoRa.ABP, auth=(1, bytes(16), bytes(16)))
        device_info.get_lora_mac()
        show([lora.has_joined(), lora.sf(), lora.power_mode()])
    """
    assert device.run(program) == [[True, 9, 0]]


def test_lora_mac_where_there_is_no_radio(device):
    assert device.run("from utils import device_info\nshow(device_info.get_lora_mac())") == [
        [None, None]
    ]


@pytest.mark.cpython
def test_lora_mac_of_a_radio_that_fails(make_device):
    device = make_device(name="FiPy", modem_on_boot=False)

    def refuse():
        raise OSError("the requested operation failed")

    device.service("lora").do_mac = refuse
    assert device.run("from utils import device_info\nshow(device_info.get_lora_mac())") == [
        [None, None]
    ]
    assert "no LoRa MAC" in device.output


# LTE


def test_lte_ids(make_device):
    device = make_device()
    [ids] = device.run(IDS)
    modem, sim = device.modem.options, device.modem.sim.options
    assert ids == [modem.imei, sim.iccid, sim.imsi, modem.ue_version, modem.lr_version]
    assert all(type(each) is str and each for each in ids)


@pytest.mark.cpython
def test_lte_ids_have_names(make_device):
    device = make_device()
    names = device.run(
        "from utils import device_info\n"
        "ids = device_info.get_lte_ids()\n"
        "show([ids.imei, ids.iccid, ids.imsi, ids.modem_version, ids.lte_fw_version] == list(ids))"
    )
    assert names == [True]


@pytest.mark.parametrize(
    ("scenario", "known"),
    [
        ("no_sim", [True, False, False, True, True]),
        ("sim_pin", [True, True, False, True, True]),  # the number of the card itself is free
        ("urc_storm", [True] * 5),
        ("modem_mute", [False] * 5),
    ],
)
def test_lte_ids_that_cannot_be_had_are_none(make_device, scenario, known):
    device = make_device(scenario)
    before_us = device.board.clock.now_us
    [ids] = device.run(IDS)
    assert [each is not None for each in ids] == known
    modem, sim = device.modem.options, device.modem.sim.options
    right = [modem.imei, sim.iccid, sim.imsi, modem.ue_version, modem.lr_version]
    assert [each for each in ids if each] == [
        each for each, there in zip(right, known, strict=True) if there
    ]
    assert device.board.clock.now_us - before_us < 60_000_000


# What damaged and foreign answers make of the five values: command, answer, value of its id
SHAPES = (
    ("AT+CGSN", "354340987654326", "354340987654326"),
    ("AT+CGSN", '+CGSN: "354340987654326"', "354340987654326"),
    ("AT+CGSN", "35434098765432", None),
    ("AT+CGSN", "3543409876543261", None),
    ("AT+CGSN", "35434098765432x", None),
    ("AT+SQNCCID?", '+SQNCCID: "8900101234567890123",""', "8900101234567890123"),
    ("AT+SQNCCID?", '+SQNCCID: "89001012345678901234",""', "89001012345678901234"),
    ("AT+SQNCCID?", '+SQNCCID: "8900101234567890123F",""', "8900101234567890123"),
    ("AT+SQNCCID?", '+SQNCCID: "",""', None),
    ("AT+SQNCCID?", '+SQNCCID: ","', None),
    ("AT+SQNCCID?", '","', None),
    ("AT+SQNCCID?", '+SQNCCID: "890010123456789012', None),
    ("AT+CIMI", "001010123456789", "001010123456789"),
    ("AT+CIMI", "00101012345678", "00101012345678"),
    ("AT+CIMI", "0010101234567", None),
    ("AT+CIMI", "\u0660" * 15, None),  # digits, but not of the standard
    ("ATI1", "UE6.0.0.0-ER0\r\nLR6.0.0.0-41019", ["UE6.0.0.0-ER0", "LR6.0.0.0-41019"]),
    ("ATI1", "LR6.0.0.0-41019", [None, "LR6.0.0.0-41019"]),
    ("ATI1", "UE\r\nNORMAL", [None, None]),
)
PLACES = {"AT+CGSN": 0, "AT+SQNCCID?": 1, "AT+CIMI": 2}


def test_lte_ids_are_accepted_by_their_form(device):
    answers = [{command: f"\r\n{text}\r\n\r\nOK\r\n"} for command, text, _ in SHAPES]
    shown = device.run(
        """
        import network
        from utils import device_info

        class Fake:
            def send_at_cmd(self, command, timeout=0):
                return answers.get(command, "\\r\\nERROR\\r\\n")

        network.LTE = Fake
        for answers in given():
            show(list(device_info.get_lte_ids()))
        """,
        answers,
    )
    for (command, text, value), ids in zip(SHAPES, shown, strict=True):
        found = ids[PLACES[command]] if command in PLACES else ids[3:]
        assert found == value, (command, text)


def test_lte_ids_of_a_firmware_without_lte(device):
    assert device.run("import network\ndel network.LTE\n" + IDS) == [NONE]


@pytest.mark.cpython
def test_lte_ids_tell_no_identity_in_the_log(make_device):
    device = make_device("no_sim")
    device.run("from utils import device_info\ndevice_info.get_lte_ids()")
    assert device.modem.options.imei not in device.output


# LED, watchdog, defaults


@pytest.mark.cpython
@pytest.mark.parametrize(
    ("color", "shown"),
    [("'blue'", 0x000010), ("'red'", 0x100000), ("'yellow'", 0x101000), ("'green'", 0x001000),
     ("'white'", 0x101010), ("'off'", 0), ("0xFF8001", 0xFF8001), ("0", 0),
     ("'0xFF0000'", 0xFF0000), ("'0X00ff01'", 0x00FF01)],
)  # fmt: skip
def test_led_shows_the_colour_also_if_it_was_blinking(device, color, shown):
    program = f"""
        from utils import device_info
        import pycom
        show(pycom.heartbeat())
        device_info.set_led_color({color})
        show(pycom.rgbled())
    """
    assert device.run(program) == [True, shown]


@pytest.mark.cpython
@pytest.mark.parametrize(
    "color",
    [
        "'pink'",
        "'0x'",
        "'0xGG'",
        "'0x1000000'",
        "'FF0000'",
        "''",
        "-1",
        "0x1000000",
        "None",
        "True",
        "1.5",
        "[]",
    ],
)
def test_other_colours_are_refused(device, color):
    [(name, text)] = device.run(
        "from utils import device_info\n"
        f"show(raised(device_info.set_led_color, {color}))\n"
        "import pycom\n"
    )
    assert name == "ValueError"
    assert "color = " in text
    assert "allowed: blue, green" in text


@pytest.mark.cpython
def test_a_firmware_without_the_led_does_not_stop_the_program(device):
    def refuse(colour):
        raise OSError("RGB Led Interface Disabled")

    device.service("system").do_rgbled = refuse
    assert device.run("from utils import device_info\nshow(device_info.set_led_color('red'))") == [
        None
    ]


def test_defaults_are_set_and_written_only_when_they_change(device):
    program = """
        from utils import device_info
        import gc, pycom
        for _ in range(2):
            device_info.set_defaults(
                wifi_on_boot=False, wdt_on_boot=True, wdt_on_boot_timeout_sec=30
            )
        show([pycom.heartbeat(), pycom.wifi_on_boot(), pycom.wdt_on_boot(),
              pycom.wdt_on_boot_timeout(), gc.isenabled()])
    """
    assert device.run(program) == [[False, False, True, 30000, True]]
    written = [entry.text for entry in device.board.trace.of("nvs")]
    assert written == [
        "setting wifi_on_boot = False",
        "setting wdt_on_boot_timeout = 30000",
        "setting wdt_on_boot = True",
        "setting pybytes_on_boot = False",  # an erased board has it on
    ]


@pytest.mark.cpython
def test_defaults_as_documented(device):
    program = """
        from utils import device_info
        import pycom
        device_info.set_defaults()
        show([pycom.heartbeat(), pycom.wifi_on_boot(), pycom.wdt_on_boot(),
              pycom.wdt_on_boot_timeout()])
    """
    assert device.run(program) == [[False, True, False, 120000]]


@pytest.mark.cpython
@pytest.mark.parametrize("seconds", ["4", "0.5", "None", "True"])
def test_a_watchdog_of_no_time_is_refused_before_anything_is_set(device, seconds):
    [(name, text), heartbeat] = device.run(
        "from utils import device_info\nimport pycom\n"
        f"show(raised(device_info.set_defaults, wdt_on_boot_timeout_sec={seconds}))\n"
        "show(pycom.heartbeat())"
    )
    assert name == "ValueError"
    assert "wdt_on_boot_timeout_sec = " in text
    assert heartbeat is True
    assert not device.board.trace.of("nvs")


@pytest.mark.cpython
def test_wdt_reset_feeds_the_watchdog_of_the_application(device):
    program = """
        from machine import WDT
        from utils import device_info, timing
        import utime
        device_info.wdt_reset()
        timing.set_watchdog(WDT(timeout=5000))
        for _ in range(4):
            utime.sleep_ms(3000)
            device_info.wdt_reset()
        show("alive")
        import machine
        machine.deepsleep(1000)
    """
    assert device.run(program, ends="deepsleep") == ["alive"]


@pytest.mark.cpython
def test_example(make_device):
    device = make_device()
    device.run((ROOT / "examples" / "device_info_simple.py").read_text(encoding="utf-8"))
    printed = dict(line.split(": ", 1) for line in device.output.splitlines() if ": " in line)
    assert printed["firmware"] == "1.20.2.r4"
    assert printed["device id"] == device.service("system").mac.hex()
    assert printed["LoRa MAC"] == "None"
    assert printed["IMEI"] == device.modem.options.imei
    assert printed["CPU"].endswith(" Cel")
    assert 3700 < int(printed["supply"].split()[0]) < 4000
