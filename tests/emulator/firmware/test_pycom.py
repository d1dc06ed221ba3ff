"""pycom: LED, NVS and stored settings (esp32/mods/modpycom.c of 1.20.2.r4)."""

from __future__ import annotations

import pytest

from emulator.board.board import DEEPSLEEP_RESET, PWRON_RESET, WDT_RESET, Board
from emulator.board.nvs import Config, Nvs

pytestmark = pytest.mark.both_runtimes


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("0xFFFFFFFF", "-1"),
        ("0x123456789", "591751049"),
        ("-5", "-5"),
        ("'text'", "text"),
        ("b'by\\x00tes'", "by"),
        ("'x' * 1983", "x" * 1983),
        ("''", ""),
    ],
)
def test_what_nvs_gives_back(device, stored, read):
    before = f"import pycom\npycom.nvs_set('k', {stored})"
    assert device.values("pycom.nvs_get('k')", before) == read


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("nvs_set('k', True)", "ValueError: Value must be string, bytes or integer"),
        ("nvs_set('k', 1.0)", "ValueError: Value must be"),
        ("nvs_set('k', None)", "ValueError: Value must be"),
        ("nvs_set('k', bytearray(1))", "ValueError: Value must be"),
        ("nvs_set('k', 'x' * 1984)", "ValueError: value too long (max: 1984)"),
        ("nvs_set('k' * 16, 1)", "ValueError: Key is too long"),
        ("nvs_set('', 1)", "ValueError: Key is invalid"),
        ("nvs_get('none')", "ValueError: No matching object for the provided key"),
        ("nvs_erase('none')", "KeyError: key not found"),
        ("rgbled(0x10)", "OSError: the requested operation is not possible"),
        ("rgbled()", "OSError: the requested operation is not possible"),
        ("wdt_on_boot_timeout(4999)", "ValueError: WDT on boot timeout must be >= 5000 ms"),
        ("nvs_commit()", "NameError"),
        ("[nvs_set(str(n), 'x' * 1900) for n in range(20)]", "OSError: No free space available"),
    ],
)
def test_what_pycom_refuses(device, call, error):
    assert error in device.run(f"from pycom import *\n{call}\n")


def test_an_integer_hides_a_text_of_its_key(device):
    printed = device.run("""
        import pycom
        pycom.nvs_set("k", 1); pycom.nvs_set("k", "a")
        print(pycom.nvs_get("k"), pycom.nvs_get("none", 7))
        pycom.nvs_erase("k")
        print(pycom.nvs_get("k"))
        pycom.nvs_erase("k")
        print(pycom.nvs_get("k", None))
        """)
    assert printed == "1 7\na\nNone\n"


@pytest.mark.parametrize("cause", [PWRON_RESET, WDT_RESET, DEEPSLEEP_RESET])
def test_nvs_survives_every_reset(device, cause):
    device.run("import pycom; pycom.nvs_set('seq', 41)")
    device.put("main.py", "import pycom; print(pycom.nvs_get('seq'))")
    assert device.restart(cause) == "41\n"


def test_nvs_and_settings_are_kept_in_a_file(tmp_path):
    file = tmp_path / "nvs.json"
    Nvs(Board(), file).do_set("k", b"v")
    Config(Board(), file).do_set("wifi_on_boot", False)
    assert Nvs(Board(), file).do_get("k") == ["v"]
    assert Config(Board(), file).flags["wifi_on_boot"] is False
    Nvs(Board(), file).do_set("n", 2)
    assert Nvs(Board(), file).do_get("n") == [2]


def test_nvs_takes_longer_when_a_page_turns(device):
    printed = device.run("""
        import pycom, utime
        slow = 0
        for n in range(260):
            begin = utime.ticks_us()
            pycom.nvs_set("seq", n)
            slow += utime.ticks_diff(utime.ticks_us(), begin) > 40000
        print(slow)
        """)
    assert printed == "2\n"


@pytest.mark.parametrize(
    ("fault", "printed"),
    [
        ({"do": "full"}, "No free space available"),
        ({"do": "fail"}, "Error occurred while storing value, code: 4353"),
    ],
)
def test_nvs_faults(make_device, fault, printed):
    device = make_device(faults=[{"point": "nvs", "match": "set k", "nth": 2, **fault}])
    code = """
        import pycom
        for n in range(3):
            try:
                pycom.nvs_set("k", n)
            except Exception as e:
                print(e)
        print(pycom.nvs_get("k"))
        """
    assert device.run(code) == f"{printed}\n2\n"


@pytest.mark.parametrize(("when", "left"), [("before", "1"), ("after", "2")])
def test_the_power_fails_around_a_set(make_device, when, left):
    fault = {"point": "nvs", "match": "set k", "nth": 2, "do": "power_cut", "when": when}
    device = make_device(faults=[fault])
    device.run("import pycom; pycom.nvs_set('k', 1); pycom.nvs_set('k', 2); print('no')")
    assert device.outcome.halt.cause == PWRON_RESET
    device.put("main.py", "import pycom; print(pycom.nvs_get('k'))")
    assert device.restart(PWRON_RESET) == left + "\n"


def test_the_led_needs_the_heartbeat_off(device):
    printed = device.run("""
        import pycom
        print(pycom.heartbeat())
        pycom.heartbeat(False)
        pycom.rgbled(0x123456)
        print(pycom.rgbled() == 0x123456, pycom.heartbeat())
        """)
    assert printed == "True\nTrue False\n"


def test_an_erased_board(device):
    names = "wifi_on_boot heartbeat_on_boot lte_modem_en_on_boot wdt_on_boot".split()
    expression = ", ".join(f"pycom.{name}()" for name in names)
    assert device.values(expression, "import pycom") == "True True True False"


def test_settings_stay_and_heartbeat_starts_as_told(device):
    device.run("import pycom; pycom.heartbeat_on_boot(False)")
    device.put("main.py", "import pycom; pycom.rgbled(1); print(pycom.heartbeat_on_boot())")
    assert device.restart(PWRON_RESET) == "False\n"


def test_another_file_system_erases_the_flash(device):
    device.put("data.txt", "x")
    device.run("import pycom; pycom.bootmgr(fs_type=pycom.FAT, reset=True)")
    device.put("main.py", "print(1)")
    device.board.reset(device.outcome.halt.cause)
    assert not (device.flash / "data.txt").exists()
    assert "print" not in (device.flash / "main.py").read_text()
    assert "FAT" in device.run("import pycom; print(pycom.bootmgr()[1])")


# What a board answers, in order; modpycom.c (mod_pycom_bootmgr) of 1.20.2.r4
BOOTMGR = [
    ("pycom.bootmgr()", "('Factory', 'FAT', 'SafeBoot: False', 'Status: Ready')"),
    ("pycom.bootmgr(fs_type=2)", "ValueError('Error invalid filesystem type!',)"),
    ("pycom.bootmgr(fs_type=pycom.FAT)", "None"),
    (
        "pycom.bootmgr(boot_partition=pycom.FACTORY)",
        "ValueError('Error invalid boot partition! or partition already active!',)",
    ),
    ("pycom.bootmgr(safeboot=False)", "ValueError('Error safeboot must be True or False!',)"),
    ("pycom.bootmgr(0)", "TypeError('extra positional arguments given',)"),
    ("pycom.bootmgr(fs_type=pycom.LittleFS)", "None"),
    ("pycom.bootmgr()[1], open('data.txt').read()", "('LittleFS', 'x')"),
]


def test_bootmgr_answers_as_the_firmware_does(make_device):
    device = make_device(fs_type=0)
    device.put("data.txt", "x")
    lines = [f"t(lambda: ({call}))" for call, _ in BOOTMGR]
    printed = device.run(
        "import pycom\ndef t(f):\n    try:\n        print(f())\n    except Exception as e:\n"
        "        print(type(e).__name__ + str(e.args))\n" + "\n".join(lines)
    )
    assert printed.splitlines() == [answer for _, answer in BOOTMGR]


FORMATS = [
    ("'flash'", "OSError('flash is not an absolute or invalid path',)"),
    ("''", "OSError(' is not an absolute or invalid path',)"),
    ("'/'", "OSError('Cannot format root dir',)"),
    ("'/none'", "OSError(19,)"),
    ("5", "OSError('please specify correct fs mount path',)"),
    ("", "TypeError('function takes 1 positional arguments but 0 were given',)"),
    ("'/flash'", "None"),
]


@pytest.mark.parametrize(("path", "answer"), FORMATS)
def test_fsformat_takes_the_path_of_a_mount(device, path, answer):
    printed = device.run(f"""
        import os
        try:
            print(os.fsformat({path}))
        except Exception as e:
            print(type(e).__name__ + str(e.args))
        """)
    assert printed == answer + "\n"


def test_a_cut_while_a_setting_is_written_leaves_an_erased_board(make_device):
    fault = {"point": "nvs", "match": "setting wdt", "do": "reset", "when": "during"}
    device = make_device(fs_type=0, faults=[fault])
    device.run("import pycom; pycom.wifi_on_boot(False); pycom.wdt_on_boot(True)")
    device.board.reset(device.outcome.halt.cause)
    names = "wifi_on_boot wdt_on_boot".split()
    expression = ", ".join(f"pycom.{name}()" for name in names) + ", pycom.bootmgr()[1]"
    assert device.values(expression, "import pycom") == "True False LittleFS"


@pytest.mark.parametrize(("when", "found"), [("before", 1), ("during", 1), ("after", 2)])
def test_a_cut_while_a_value_is_written_leaves_the_old_or_the_new_one(make_device, when, found):
    fault = {"point": "nvs", "match": "set n", "nth": 2, "do": "reset", "when": when}
    device = make_device(faults=[fault])
    device.run("import pycom; pycom.nvs_set('n', 1); pycom.nvs_set('n', 2)")
    device.board.reset(device.outcome.halt.cause)
    assert device.values("pycom.nvs_get('n')", "import pycom") == str(found)


def test_a_password_does_not_stand_in_the_trace(device):
    device.run("import pycom; pycom.wifi_pwd_sta('secret1')")
    assert "secret1" not in "".join(device.board.trace.lines())


def test_pulses_come_in_pairs_after_the_idle_time(device):
    device.service("pins").pulse_sources["P3"] = lambda: [(0, 80), (1, 80), (0, 50)]
    printed = device.run("""
        import pycom, utime
        begin = utime.ticks_ms()
        print(pycom.pulses_get("P3", 100), (utime.ticks_ms() - begin) // 10)
        print(pycom.pulses_get("P3", 50))
        print(len(pycom.pulses_get("P3", 50)))
        """)
    assert printed == "[(0, 80), (1, 80), (0, 50), (1, 0)] 6\n[]\n4\n"


def test_pulses_that_came_too_late_are_gone_after_a_reset(device):
    device.service("pins").pulse_sources["P3"] = lambda: [(0, 80), (1, 80)]
    late = "import pycom; print(pycom.pulses_get('P3', 50))"
    assert device.run(late) == "[]\n"
    device.board.reset(WDT_RESET)
    assert device.run(late) == "[]\n"


def test_an_image_is_written_and_verified(device):
    printed = device.run("""
        import pycom
        pycom.ota_start()
        for n in range(3):
            pycom.ota_write(bytes(4096))
        pycom.ota_finish()
        print(pycom.ota_verify())
        pycom.ota_start()
        pycom.ota_write(bytes(8192))
        pycom.ota_finish()
        print(pycom.ota_verify())
        """)
    assert printed == "True\nFalse\n"
