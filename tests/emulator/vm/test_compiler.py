"""Source that was compiled before is taken again under another name."""

from __future__ import annotations

import inspect

from emulator.vm.compiler import compile_device

SOURCE = """
def outer():
    def inner():
        pass
    return inner

class A:
    b = outer
"""


def names(code) -> set[str]:
    return {code.co_filename}.union(*(names(c) for c in code.co_consts if inspect.iscode(c)))


def test_the_same_source_on_another_flash_tells_its_own_file_name():
    for name in ("one/sensor.py", "two/sensor.py", "one/sensor.py"):
        code = compile_device(SOURCE, name)
        assert names(code) == {name}
        space = {"__name__": "sensor", "__tick__": lambda: None, "__halt__": KeyboardInterrupt}
        exec(code, space)
        assert space["A"].b()() is None


def test_the_host_gives_no_advice_on_a_stranger_s_script(recwarn):
    compile_device("level = 1\nif level is 128:\n    print('\\d')\n", "gain.py")
    assert not recwarn.list
