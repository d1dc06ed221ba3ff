"""How programs run and end: boot order, exceptions, resets, endless loops, threads, handlers."""

from __future__ import annotations

import pytest

from emulator.board.board import SOFT_RESET, WDT_RESET, DeepSleep, Reset
from emulator.vm.guard import limit_time

pytestmark = pytest.mark.both_runtimes
WITH_THREADS = pytest.mark.cpython(reason="the WebAssembly build has no threads")


def test_boot_and_main_share_one_namespace(device):
    assert device.run("print(x, __name__)", boot="x = 5") == "5 __main__\n"
    assert device.outcome.kind == "finished"


def test_exit_ends_only_its_script(device):
    printed = device.run("print('main')", boot="import sys\nsys.exit(3)\nprint('no')")
    assert printed == "main\n"


def test_an_exception_in_boot_does_not_keep_main_from_running(device):
    printed = device.run("print('main')", boot="def f():\n    raise KeyError('x')\nf()\n")
    assert printed == (
        "Traceback (most recent call last):\n"
        '  File "boot.py", line 3, in <module>\n'
        '  File "boot.py", line 2, in f\n'
        "KeyError: x\nmain\n"
    )
    assert device.outcome.kind == "exception"
    assert "KeyError: x" in device.outcome.error


def test_machine_main_replaces_the_script_after_boot(device):
    device.put("other.py", "print('other')")
    assert device.run("print('main')", boot="import machine\nmachine.main('other.py')") == (
        "other\n"
    )


def test_firmware_leaves_no_line_in_a_traceback(device):
    printed = device.run("import machine\nmachine.I2C(0).readfrom(9, 1)\n")
    assert printed.splitlines()[1:] == [
        '  File "main.py", line 2, in <module>',
        "OSError: I2C bus error",
    ]


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("machine.deepsleep(1000)", DeepSleep),
        ("machine.deepsleep()", DeepSleep),
        ("machine.reset()", Reset),
    ],
)
def test_nothing_outlives_a_halt(device, ending, kind):
    device.run(f"""
        import machine
        def end():
            try:
                {ending}
            except:
                print("bare")
        for n in range(3):
            try:
                end()
            except BaseException:
                print("named")
        """)
    assert device.printed == []
    assert isinstance(device.outcome.halt, kind)


def test_deepsleep_hands_over_its_time(device):
    device.run("import machine; machine.deepsleep(90000)")
    assert device.outcome.kind == "deepsleep"
    assert device.outcome.halt.duration_ms == 90000


ENDLESS = "class E:\n  __iter__ = lambda s: s\n  __next__ = lambda s: 0\nfor x in E(): pass"
LOOPS = ["while True: pass", ENDLESS, "while True:\n  try: 1/0\n  except: 0"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_watchdog_bites_a_loop_that_never_calls_the_firmware(device, loop):
    device.run("from machine import WDT\nw = WDT(timeout=5000)\n" + loop)
    assert (device.outcome.kind, device.outcome.halt.cause) == ("reset", WDT_RESET)
    assert 5_000 <= device.board.clock.now_ms < 5_050


def test_a_long_computation_is_no_hang(device):
    assert device.run("n = 0\nfor x in range(700000): n += 1\nprint(n)\n") == "700000\n"
    assert device.board.clock.now_us < 60_000_000


def test_a_loop_without_any_bound_is_a_hang(device, monkeypatch):
    monkeypatch.setattr("emulator.vm.guard.HANG_US", 5_000_000)
    device.run("while True: pass")
    assert device.outcome.kind == "hang"


@pytest.mark.parametrize(
    "code",
    ["while True: pass", "import time\nwhile 1: time.sleep(1)", "import time\ntime.sleep(-1)"],
)
def test_a_run_ends_at_its_time_limit(device, code):
    limit_time(device.board, 5_000_000)
    device.run(code)
    assert device.outcome.kind == "time_limit"
    assert device.board.clock.now_us == pytest.approx(5_000_000, abs=20_000)


def test_a_short_computation_takes_no_charge(device):
    code = "import utime; a = utime.ticks_us()\nfor x in range(90000): pass\n"
    assert int(device.run(code + "print(utime.ticks_us() - a)")) <= 40


# handlers


def test_handlers_run_while_the_device_sleeps_and_do_not_lengthen_it(device):
    printed = device.run("""
        import utime
        from machine import Timer
        seen = []
        def handler(alarm):
            seen.append(utime.ticks_us())
            utime.sleep_ms(20)
        begin = utime.ticks_us()
        alarm = Timer.Alarm(handler, ms=100, periodic=True)
        utime.sleep_ms(350)
        alarm.cancel()
        print([(t - begin) // 1000 for t in seen], (utime.ticks_us() - begin) // 1000)
        utime.sleep_ms(300)
        print(len(seen))
        """)
    assert printed == "[100, 200, 300] 350\n3\n"


def test_a_busy_wait_sees_what_a_handler_does(device):
    printed = device.run("""
        from machine import Timer
        import utime
        done = []
        Timer.Alarm(done.append, 7, arg=5)
        while not done:
            pass
        print(done, utime.ticks_ms() >= 7000)
        """)
    assert printed == "[5] True\n"


def test_an_exception_in_a_handler_silences_all_handlers_until_reset(device):
    code = """
        import utime
        from machine import Timer, Pin
        def bad(arg):
            raise ValueError("oops")
        Timer.Alarm(bad, ms=10)
        Timer.Alarm(lambda a: print("tick"), ms=30, periodic=True)
        utime.sleep_ms(100)
        print("slept")
        """
    printed = device.run(code)
    assert printed.startswith("Unhandled exception in callback handler\nTraceback")
    assert printed.endswith("ValueError: oops\nslept\n")
    device.board.reset(SOFT_RESET)
    assert "tick" in device.run(code.replace("raise ValueError", "str"))


def test_handlers_wait_while_interrupts_are_off(device):
    printed = device.run("""
        import machine, utime
        machine.Timer.Alarm(lambda a: print("handled"), ms=10)
        state = machine.disable_irq()
        utime.sleep_ms(50)
        print("on again")
        machine.enable_irq(state)
        """)
    assert printed == "on again\nhandled\n"


# threads


@WITH_THREADS
def test_threads_take_turns_in_sleeps_and_locks(device):
    printed = device.run("""
        import _thread, utime
        lock = _thread.allocate_lock()
        log = []
        def worker(name, pause):
            for turn in range(3):
                with lock:
                    log.append(name + str(turn))
                    utime.sleep_ms(pause)
                utime.sleep_ms(pause)
        _thread.start_new_thread(worker, ("a", 10))
        _thread.start_new_thread(worker, ("b", 25))
        begin = utime.ticks_ms()
        utime.sleep_ms(500)
        print(len(log), log[0], sorted(log)[-1], utime.ticks_ms() - begin)
        """)
    assert printed == "6 a0 b2 500\n"


def test_blanks_of_a_web_page_are_letters_of_a_name(device):
    assert device.run("y\xa0= 1\nprint(2)\n\u200b\nprint(3)").startswith("2\nTraceback")
    assert device.run("y\xa0= 1\nprint(y)").startswith("Traceback")
    assert "NameError: name 'y' isn't defined" in device.printed[-1]


def test_a_program_that_reads_the_console_waits_for_a_person(device):
    clock, console = device.board.clock, device.vm.console
    clock.schedule(90_000_000, lambda: console.type("Ada\nx"))
    printed = device.run("""
        import sys, utime
        print(input("name? "), sys.stdin.read(1), utime.time() // 30)
        sys.stdin.readline()
        """)
    assert printed.splitlines()[0] == "name? Ada x 3"
    assert device.outcome.kind == "hang"
    assert clock.now_us > 86_000_000_000


@WITH_THREADS
def test_a_busy_wait_lets_another_thread_go_on(device):
    printed = device.run("""
        import _thread, utime
        done = []
        def worker():
            utime.sleep(3)
            done.append(_thread.get_ident() != 1)
        _thread.start_new_thread(worker, ())
        while not done:
            pass
        print(done)
        """)
    assert printed == "[True]\n"


@WITH_THREADS
def test_an_exception_ends_only_its_thread(device):
    printed = device.run("""
        import _thread, utime
        def worker():
            raise ValueError("mine")
        _thread.start_new_thread(worker, ())
        utime.sleep_ms(10)
        print("main goes on")
        """)
    assert "ValueError: mine\n" in printed
    assert printed.endswith("main goes on\n")


@WITH_THREADS
def test_a_halt_in_a_thread_ends_the_program(device):
    printed = device.run("""
        import _thread, utime, machine
        def worker():
            utime.sleep_ms(10)
            machine.deepsleep(5)
        _thread.start_new_thread(worker, ())
        while True:
            try:
                utime.sleep(1)
            except:
                print("no")
        """)
    assert (device.outcome.kind, printed) == ("deepsleep", "")


def test_the_watchdog_bites_at_the_prompt(device):
    device.run("from machine import WDT\nWDT(timeout=8000)\n1/0\n")
    assert device.outcome.kind == "exception"
    assert device.vm.busy()
    assert device.vm.idle(60_000_000).kind == "reset"
    assert device.board.clock.now_ms == pytest.approx(8000, abs=50)


@WITH_THREADS
def test_threads_go_on_at_the_prompt(device):
    device.run("""
        import _thread, utime
        def worker():
            while True:
                utime.sleep(1)
                print("alive")
        _thread.start_new_thread(worker, ())
        """)
    assert device.vm.idle(3_500_000).kind == "finished"
    assert "".join(device.printed) == "alive\n" * 3


def test_output_goes_to_the_trace_by_lines(device):
    device.run("print('a', end='')\nprint('b\\nc')\nprint('d', end='')\n")
    assert [entry.text for entry in device.board.trace.of("print")] == ["ab", "c", "d"]


def test_a_script_of_the_host_runs_with_the_flash_it_is_given(device, tmp_path):
    device.put("helper.py", "value = 4\n")
    script = tmp_path / "strange.py"
    script.write_text("import helper\nprint(helper.value)\nraise OSError(2)\n")
    outcome = device.vm.run_script(script)
    assert "".join(device.printed).startswith("4\nTraceback")
    assert 'File "strange.py", line 3' in outcome.error
    assert outcome.error.endswith("OSError: [Errno 2] ENOENT\n")


@WITH_THREADS
def test_ctrl_c_reaches_the_main_thread_while_another_one_waits(device):
    device.board.clock.schedule_ms(5000, lambda: setattr(device.board, "interrupted", True))
    printed = device.run(
        "import _thread, utime\n"
        "_thread.start_new_thread(lambda: utime.sleep(9), ())\n"
        "try:\n    utime.sleep(20)\nexcept KeyboardInterrupt:\n"
        "    print(utime.ticks_ms() // 1000)\n"
    )
    assert printed == "5\n"
