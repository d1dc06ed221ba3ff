"""The flash: uos and files on FAT and LittleFS, what a power cut leaves, latencies, limits."""

from __future__ import annotations

import pytest

from emulator.board.board import PWRON_RESET, WDT_RESET
from emulator.board.flash import FAT, LITTLEFS

BOTH = pytest.mark.parametrize("fs_type", [FAT, LITTLEFS], ids=["FAT", "LittleFS"])


@BOTH
def test_files_and_directories(make_device, fs_type):
    device = make_device(fs_type=fs_type)
    printed = device.run("""
        import os
        os.mkdir("d")
        with open("d/a.txt", "w") as f:
            print(f.write("grüß\\nzwei\\n"))
        with open("/flash/d/a.txt") as f:
            print(f.read(3), f.readline(), [line for line in f])
        with open("d/a.txt", "rb") as f:
            f.seek(-5, 2)
            print(f.read(2), f.tell(), f.readinto(bytearray(9)))
        with open("d/a.txt", "a") as f:
            f.write("!")
        print(os.stat("d/a.txt")[6], os.listdir("d"), os.stat("d")[0] == 0x4000)
        print(list(os.ilistdir("d")))
        os.rename("d/a.txt", "b.txt"); os.rmdir("d"); os.remove("b.txt")
        print(os.listdir("/"), os.listdir(), os.getcwd())
        """)
    assert printed == (
        "12\ngrü ß\n ['zwei\\n']\nb'zw' 9 3\n13 ['a.txt'] True\n"
        "[('a.txt', 32768, 0, 13)]\n['flash'] ['main.py'] /flash\n"
    )


ERRORS = [
    ("open('none')", 2, 2),
    ("open('d', 'w')", 13, 21),
    ("open('none/x', 'w')", 2, 2),
    ("open('/sd/x')", 19, 19),
    ("os.listdir('none')", 2, 2),
    ("os.mkdir('d')", 17, 17),
    ("os.mkdir('x/y')", 2, 2),
    ("os.remove('none')", 2, 2),
    ("os.remove('d')", 21, 90),
    ("os.rmdir('d')", 13, 90),
    ("os.rename('none', 'x')", 2, 2),
    ("os.rename('main.py', 'd')", 21, 21),
    ("os.stat('none')", 2, 2),
    ("os.chdir('none')", 2, 2),
    ("open('main.py').write('x')", 9, 9),
    ("open('w.txt', 'w').read()", 9, 9),
]


@BOTH
@pytest.mark.parametrize(("call", "fat", "littlefs"), ERRORS, ids=[e[0] for e in ERRORS])
def test_errors_carry_numbers(make_device, fs_type, call, fat, littlefs):
    device = make_device(fs_type=fs_type)
    device.put("d/inner.txt", "x")
    code = f"import os\ntry:\n    {call}\nexcept OSError as e:\n    print(e.args)\n"
    assert device.run(code) == f"({fat if fs_type == FAT else littlefs},)\n"


@pytest.mark.parametrize(
    "path",
    ["../secret", "/flash/../secret", "/secret", "a/../../secret", "link", "linkdir/secret"],
)
def test_nothing_outside_can_be_reached(device, tmp_path, path):
    (tmp_path / "secret").write_text("key")
    (device.flash / "link").symlink_to(tmp_path / "secret")
    (device.flash / "linkdir").symlink_to(tmp_path)
    code = f"""
        import os
        p = {path!r}
        for call in (lambda: open(p), lambda: open(p, "w"), lambda: os.stat(p)):
            try:
                call()
            except OSError as e:
                print(e.args[0] in (2, 19))
        """
    assert device.run(code) == "True\n" * 3
    assert (tmp_path / "secret").read_text() == "key"


# what a reset leaves

WRITE = """
    import machine
    f = open("f.txt", {mode!r})
    f.write("new")
    {then}
    machine.reset()
    """
LEFT = [
    (FAT, "w", "", ""),
    (FAT, "w", "f.flush()", "new"),
    (FAT, "w", "f.close()", "new"),
    (FAT, "a", "", "old"),
    (FAT, "a", "f.close()", "oldnew"),
    (LITTLEFS, "w", "", "old"),
    (LITTLEFS, "w", "f.flush()", "new"),
    (LITTLEFS, "a", "", "old"),
]


@pytest.mark.parametrize(("fs_type", "mode", "then", "left"), LEFT)
def test_what_an_open_file_leaves_at_a_reset(make_device, fs_type, mode, then, left):
    device = make_device(fs_type=fs_type)
    device.put("f.txt", "old")
    device.run(WRITE.format(mode=mode, then=then))
    device.board.reset(WDT_RESET)
    assert (device.flash / "f.txt").read_text() == left


CUTS = [
    (FAT, "before", {"a": "A", "b": "B"}),
    (FAT, "during", {"a": "A"}),
    (FAT, "after", {"b": "A"}),
    (LITTLEFS, "before", {"a": "A", "b": "B"}),
    (LITTLEFS, "during", {"a": "A", "b": "B"}),
    (LITTLEFS, "after", {"b": "A"}),
]


@pytest.mark.parametrize(("fs_type", "when", "left"), CUTS)
def test_the_power_fails_in_a_rename(make_device, fs_type, when, left):
    fault = {"point": "file", "match": "rename a b", "do": "power_cut", "when": when}
    device = make_device(fs_type=fs_type, faults=[fault])
    device.put("a", "A")
    device.put("b", "B")
    device.run("import os\ntry:\n    os.rename('a', 'b')\nexcept:\n    print('no')\n")
    assert device.outcome.halt.cause == PWRON_RESET
    assert {f.name: f.read_text() for f in device.flash.glob("[ab]")} == left


# (file system, operation, its key `left`, what is found afterwards); "during" each time
LEFT_OF_A_FILE = [
    (LITTLEFS, "open log", "", "old"),
    (LITTLEFS, "write log", "", "old"),
    (LITTLEFS, "close log", "", "old"),
    (LITTLEFS, "remove old", "", "old"),
    (FAT, "open log", "lost", None),
    (FAT, "write log", "torn", "1234"),
    (FAT, "close log", "torn", "1234"),
    (FAT, "close log", "empty", ""),
    (FAT, "close log", "lost", None),
]


@pytest.mark.parametrize("do", ["power_cut", "reset"])
@pytest.mark.parametrize(("fs_type", "operation", "left", "found"), LEFT_OF_A_FILE)
def test_what_a_cut_during_a_step_leaves(make_device, do, fs_type, operation, left, found):
    fault = {"point": "file", "match": operation, "do": do, "left": left}
    device = make_device(fs_type=fs_type, faults=[fault])
    device.put("log", "old")
    device.put("old", "old")
    device.run("""
        import os
        with open('log', 'w') as f:
            f.write('12345678')
        os.remove('old')
        """)
    assert device.outcome.halt.cause == (PWRON_RESET if do == "power_cut" else WDT_RESET)
    log = device.flash / "log"
    assert (log.read_text() if log.exists() else None) == (
        found if operation != "remove old" else "12345678"
    )
    assert (device.flash / "old").exists()


def test_a_cut_on_fat_leaves_one_of_three_states(make_device):
    found = set()
    for seed in range(1, 30):
        fault = {"point": "file", "match": "close log", "do": "reset"}
        device = make_device(fs_type=FAT, faults=[fault], seed=seed)
        device.run("f = open('log', 'w'); f.write('12345678'); f.close()")
        log = device.flash / "log"
        found.add(log.read_text() if log.exists() else None)
        log.unlink(missing_ok=True)
    assert found == {"", "1234", None}


def test_a_stretch_of_a_file_reads_as_zeros(make_device):
    zeros = {"point": "time", "at_ms": 100, "do": "zeros", "file": "log", "start": 2, "bytes": 3}
    device = make_device(faults=[zeros])
    device.put("log", "12345678")
    printed = device.run("import utime; utime.sleep_ms(200); print(open('log', 'rb').read())")
    assert printed == "b'12\\x00\\x00\\x00678'\n"


@pytest.mark.parametrize(
    ("do", "number"),
    [({"do": "full"}, 28), ({"do": "fail"}, 5), ({"do": "fail", "errno": 19}, 19)],
)
def test_file_faults(make_device, do, number):
    device = make_device(faults=[{"point": "file", "match": "write log", "nth": 2, **do}])
    printed = device.run("""
        f = open("log", "w")
        f.write("a")
        try:
            f.write("b")
        except OSError as e:
            print(e.args[0])
        f.write("c")
        f.close()
        print(open("log").read())
        """)
    assert printed == f"{number}\nac\n"


# room and time


def test_a_full_flash(device):
    device.service("flash").size_bytes = 7 * 4096  # two of them are the root's
    printed = device.run("""
        import os
        print(os.getfree("/flash"), os.statvfs("/flash")[2:4])
        try:
            with open("big", "wb") as f:
                for n in range(20):
                    f.write(bytes(1000))
        except OSError as e:
            print(e.args[0], n)
        """)
    assert printed == "16 (7, 4)\n28 16\n"


@pytest.mark.parametrize(("fs_type", "low_ms", "high_ms"), [(FAT, 100, 250), (LITTLEFS, 50, 100)])
def test_appending_takes_its_erases(make_device, fs_type, low_ms, high_ms):
    device = make_device(fs_type=fs_type)
    device.put("log", "x" * 100)
    printed = device.run("""
        import utime
        begin = utime.ticks_ms()
        with open("log", "a") as f:
            f.write("one more line\\n")
        print(utime.ticks_ms() - begin)
        """)
    assert low_ms <= int(printed) <= high_ms


def test_a_second_close_on_littlefs_is_loud_where_it_corrupts_memory(make_device):
    code = "with open('f', 'w') as f:\n    f.close()\nprint('fine')"
    assert "corrupts memory" in make_device(fs_type=LITTLEFS).run(code)
    assert make_device(fs_type=LITTLEFS, firmware="1.20.2.r7").run(code) == "fine\n"
    assert make_device(fs_type=FAT).run(code) == "fine\n"


def test_modification_times_are_those_of_the_board_in_steps_of_2_s(device):
    printed = device.run("""
        import machine, os
        machine.RTC().init((2021, 1, 1, 0, 0, 1))
        open("f", "w").close()
        os.rename("f", "g")
        print(os.stat("g")[7:])
        """)
    assert printed == "(1609459200, 1609459200, 1609459200)\n"


def test_file_operations_are_traced(device):
    device.run("import os\nopen('f', 'w').write('x')\nos.mkdir('d')\nos.rename('f', 'd/f')\n")
    assert [entry.text for entry in device.board.trace.of("file")] == [
        "open f", "write f", "mkdir d", "rename f d/f",
    ]  # fmt: skip


@pytest.mark.parametrize(("fs_type", "sectors"), [(FAT, 9), (LITTLEFS, 5)])
def test_replacing_a_file_erases_the_sectors_that_were_measured(make_device, fs_type, sectors):
    device = make_device(fs_type=fs_type)
    device.put("f", "x" * 5000)
    device.run("""
        import os
        with open('f.new', 'wb') as f:
            f.write(bytes(5000))
        os.rename('f.new', 'f')
        """)
    assert device.service("flash").erases == sectors


APPENDS = [  # size of the file, bytes appended, sectors of (data, folder, table)
    (FAT, 3000, 100, (1, 1, 0)),
    (FAT, 4090, 100, (2, 1, 1)),
    (LITTLEFS, 3000, 100, (1, 1, 0)),
    (LITTLEFS, 4090, 100, (2, 1, 0)),
    (LITTLEFS, 100, 100, (0, 1, 0)),  # in the sector of its folder
    (LITTLEFS, 500, 100, (1, 1, 0)),
]


@pytest.mark.parametrize(("fs_type", "size", "more", "sectors"), APPENDS)
def test_an_append_erases_the_last_sector_and_what_is_new(
    make_device, fs_type, size, more, sectors
):
    device = make_device(fs_type=fs_type)
    device.put("d/f", "x" * size)
    device.run(f"with open('d/f', 'ab') as f:\n    f.write(bytes({more}))\n")
    worn = device.service("flash").worn
    places = (("data", "/d/f"), ("folder", "/d"), ("table", ""))
    assert tuple(worn[place] for place in places) == sectors
    assert device.service("flash").erases == sum(sectors)


@BOTH
def test_formatting_leaves_nothing_and_the_next_start_makes_two_scripts(make_device, fs_type):
    device = make_device(fs_type=fs_type)
    device.put("d/x", "1")
    assert device.run("import os; os.fsformat('/flash'); print(os.listdir())") == "[]\n"
    device.board.reset(WDT_RESET)
    names = ["boot.py", "cert", "lib", "main.py", "sys"]
    assert sorted(f.name for f in device.flash.rglob("*")) == names


def test_renaming_a_file_to_itself_loses_it_on_littlefs(make_device):
    for fs_type, left in ((LITTLEFS, False), (FAT, True)):
        device = make_device(fs_type=fs_type)
        device.put("f", "x")
        device.run("import os; os.rename('f', 'f')")
        assert (device.flash / "f").exists() == left


def test_a_repository_is_not_erased_for_a_board(device):
    (device.flash / ".git").mkdir()
    assert "is in a git work tree" in device.run("import os; os.fsformat('/flash')")


def test_streams_in_memory(device):
    printed = device.run("""
        import uio
        s = uio.StringIO("ab\\ncd")
        print(s.readline(), s.read(1), s.seek(0, 1), s.getvalue())
        b = uio.BytesIO()
        b.write(b"12345"); b.seek(1); b.write(b"xy"); b.seek(0)
        print(b.read(), b.getvalue(), b.read())
        """)
    assert printed == "ab\n c 4 ab\ncd\nb'1xy45' b'1xy45' b''\n"
