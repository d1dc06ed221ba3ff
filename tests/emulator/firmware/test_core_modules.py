"""Modules of the MicroPython core with this firmware's quirks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.vm.device.texts import dumps, loads

pytestmark = pytest.mark.both_runtimes

VALUES = [
    # ujson
    ("ujson", "ujson.loads('{\"a\":1')", "{'a': 1}"),
    ("ujson", "ujson.loads('{\"a\":')", "{}"),
    ("ujson", 'ujson.loads(\'{"a":{"b":1}\')', "{'a': {'b': 1}}"),
    ("ujson", "ujson.loads('[1 2,,3] ')", "[1, 2, 3]"),
    ("ujson", "ujson.loads('\"\\\\u0041\\\\n\"') == 'A\\n'", "True"),
    ("ujson", "ujson.loads('-1.5e1'), ujson.loads(b'true')", "-15.0 True"),
    ("ujson", "ujson.dumps({1: None})", "{1: null}"),
    ("ujson", "ujson.dumps({'b': [True, 2.5, (1,)]})", '{"b": [true, 2.5, [1]]}'),
    ("ujson", "ujson.dumps('a\"\\n\\x01')", '"a\\"\\n\\u0001"'),
    ("ujson", "ujson.dumps(float('nan'))", "nan"),
    # ure
    ("ure", "ure.match('a{2}', 'aa'), ure.match('a{2}', 'a{2}').group(0)", "None a{2}"),
    ("ure", "ure.match('(a+?)(b*)', 'aab').group(1)", "a"),
    ("ure", "ure.search('(?:x|y)(\\\\d+)', '-y42').group(1)", "42"),
    ("ure", "ure.search('[^a-c]+', 'abcdef').group(0)", "def"),
    ("ure", "ure.match('a.b$', 'a\\nb') is not None", "True"),
    ("ure", "ure.match('\\\\n', 'n').group(0)", "n"),
    ("ure", "ure.compile('[,;]').split('a,b;c', 1)", "['a', 'b;c']"),
    ("ure", "hasattr(ure, 'sub'), hasattr(ure, 'split')", "False False"),
    ("ure", "[n for n in ('groups', 'span', 'start') if hasattr(ure.match('a', 'a'), n)]", "[]"),
    # ustruct
    (
        "ustruct",
        "ustruct.pack('<BhI', 257, -2, 1 << 32 | 5)",
        "b'\\x01\\xfe\\xff\\x05\\x00\\x00\\x00'",
    ),
    ("ustruct", "ustruct.calcsize('bI'), ustruct.calcsize('<bI'), ustruct.calcsize('l')", "8 5 4"),
    ("ustruct", "ustruct.unpack('>hH', b'\\xff\\xfe\\x00\\x01more')", "(-2, 1)"),
    ("ustruct", "ustruct.unpack_from('3sB', b'..abc\\x07', 2)", "(b'abc', 7)"),
    # others
    ("ubinascii", "ubinascii.hexlify(b'\\x01\\xab', ':')", "b'01:ab'"),
    ("ubinascii", "ubinascii.b2a_base64(b'hi'), hasattr(ubinascii, 'crc32')", "b'aGk=\\n' False"),
    ("uerrno", "uerrno.ETIMEDOUT, uerrno.ENOTCONN, uerrno.errorcode[118]", "116 128 EHOSTUNREACH"),
    ("math", "hasattr(math, 'inf'), hasattr(math, 'isclose'), math.sqrt(4)", "False False 2.0"),
    ("array", "array.array('H', [1, 65537])", "array('H', [1, 1])"),
    ("uzlib", "uzlib.decompress(b'x\\x9cK\\x04\\x00\\x00b\\x00b')", "bytearray(b'a')"),
    ("ucollections", "ucollections.namedtuple('P', ('a', 'b'))(1, b=2)", "P(a=1, b=2)"),
    (
        "ucollections",
        "[n for n in ('_fields', '_replace', '_asdict') "
        "if hasattr(ucollections.namedtuple('P', 'a b')(1, 2), n)]",
        "[]",
    ),
    ("micropython", "micropython.const(4), hasattr(micropython, 'schedule')", "4 False"),
    ("gc", "gc.mem_free() > 2000000, gc.isenabled(), gc.collect()", "True True None"),
]


@pytest.mark.parametrize(("module", "expression", "printed"), VALUES, ids=[v[1] for v in VALUES])
def test_results(device, module, expression, printed):
    assert device.values(expression, before=f"import {module}") == printed


ERRORS = [
    ("ujson", 'ujson.loads(\'{"a":{"b":1\')', "ValueError: syntax error in JSON"),
    ("ujson", "ujson.loads('1 x')", "ValueError: syntax error in JSON"),
    ("ujson", "ujson.loads('')", "ValueError: syntax error in JSON"),
    ("ujson", "ujson.dumps({}, sort_keys=True)", "TypeError"),
    ("ujson", "ujson.loads(s='1')", "TypeError"),
    ("ure", "ure.compile('(?P<n>a)')", "ValueError: Error in regex"),
    ("ure", "ure.compile('(?=a)')", "ValueError: Error in regex"),
    ("ure", "ure.compile('a**')", "ValueError: Error in regex"),
    ("ure", "ure.compile('(a')", "ValueError: Error in regex"),
    ("ure", "ure.compile('[a')", "ValueError: Error in regex"),
    ("ustruct", "ustruct.unpack('<I', b'123')", "ValueError: buffer too small"),
    ("ustruct", "ustruct.pack('<I', 1.5)", "TypeError"),
    ("ubinascii", "ubinascii.unhexlify('abc')", "ValueError: odd-length string"),
    ("ucollections", "ucollections.namedtuple('P', 'a b')(1)", "TypeError"),
    ("ucollections", "ucollections.OrderedDict()", "AttributeError"),
    ("uqueue", "uqueue.Queue(0)", "ValueError: queue size cannot be infinite"),
    ("uqueue", "uqueue.Queue().get(timeout=20)", "OSError: Empty"),
    ("uhashlib", "uhashlib.sha256(b'').hexdigest()", "AttributeError"),
    ("utime", "utime.monotonic()", "AttributeError"),
]


@pytest.mark.parametrize(("module", "expression", "error"), ERRORS, ids=[e[1] for e in ERRORS])
def test_errors(device, module, expression, error):
    assert error in device.run(f"import {module}\nprint({expression})\n")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(plain)
def test_ujson_reads_what_json_writes(value):
    assert loads(json.dumps(value, ensure_ascii=False)) == value
    assert json.loads(dumps(value)) == value


def test_only_one_hash_is_open_at_a_time(device):
    printed = device.run("""
        import uhashlib, ubinascii
        h = uhashlib.sha256(b"abc")
        try:
            uhashlib.md5()
        except OSError as e:
            print(e)
        h.update(b"d")
        first = h.digest()
        h.update(b"ignored")
        print(first == h.digest(), ubinascii.hexlify(first)[:8])
        print(ubinascii.hexlify(uhashlib.md5(b"").digest())[:8])
        uhashlib.sha1()
        """)
    assert printed.splitlines() == [
        "only one active hash operation is permitted at a time",
        "True b'88d4266f'",  # sha256 of "abcd"
        "b'd41d8cd9'",
    ]
    assert "only one active hash" in device.run("import uhashlib\nuhashlib.sha1()")
    device.board.reset(2)
    assert device.run("import uhashlib\nuhashlib.sha1()") == ""


def test_deque_drops_the_oldest_or_refuses(device):
    printed = device.run("""
        from ucollections import deque
        d = deque((), 2)
        for n in range(3):
            d.append(n)
        print(len(d), d.popleft(), d.popleft(), bool(d))
        d = deque((), 1, 1)
        d.append(1)
        try:
            d.append(2)
        except IndexError as e:
            print(e)
        """)
    assert printed == "2 1 2 False\nfull\n"


# FIPS 197 appendix C; NIST SP 800-38A, F.1.1, F.2.1, F.3.7, F.3.13, F.5.1
_KEY = "2b7e151628aed2a6abf7158809cf4f3c"
_IV = "000102030405060708090a0b0c0d0e0f"
_TEXT = "6bc1bee22e409f96e93d7e117393172a"
AES = [
    ("1", _KEY, "", _TEXT, "3ad77bb40d7a3660a89ecaf32466ef97"),
    ("1", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "", _TEXT,
     "f3eed1bdb5d2a03c064b5a7e3db181f8"),
    ("2", _KEY, f"IV=x('{_IV}')", _TEXT, "7649abac8119b246cee98e9b12e9197d"),
    ("3", _KEY, f"IV=x('{_IV}')", _TEXT + "ae2d", "3b79424c9c0dd436bace9e0ed4586a4f32b9"),
    ("3", _KEY, f"IV=x('{_IV}'), segment_size=128", _TEXT, "3b3fd92eb72dad20333449f8e83cfb4a"),
    ("6", _KEY, "counter=x('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff')", _TEXT,
     "874d6191b620e3261bef6864990db6ce"),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "key", "options", "text", "cipher"), AES)
def test_aes(device, mode, key, options, text, cipher):
    printed = device.run(f"""
        from ucrypto import AES
        from ubinascii import unhexlify as x
        print(AES(x("{key}"), {mode}, {options}).encrypt(x("{text}")) == x("{cipher}"))
        print(AES(x("{key}"), {mode}, {options}).decrypt(x("{cipher}")) == x("{text}"))
        """)
    assert printed == "True\nTrue\n"


# (mode and options, pieces of the text): the same vectors, with their second block
CONTINUED = [
    (f"2, IV=x('{_IV}')", (16, 16),
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"),
    (f"3, IV=x('{_IV}'), segment_size=128", (16, 16),
     "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"),
    ("6, counter=x('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff')", (5, 0, 27),
     "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "sizes", "cipher"), CONTINUED)
def test_an_aes_object_goes_on_where_its_last_call_ended(device, options, sizes, cipher):
    printed = device.run(f"""
        from ucrypto import AES
        from ubinascii import unhexlify as x
        text = x("{_TEXT}ae2d8a571e03ac9c9eb76fac45af8e51")
        aes = AES(x("{_KEY}"), {options})
        out = b""
        for size in {sizes}:
            out += aes.encrypt(text[len(out) : len(out) + size])
        print(out == x("{cipher}"))
        """)
    assert printed == "True\n"


@pytest.mark.parametrize(
    "call",
    [
        "AES(bytes(15))",
        "AES(bytes(16), 4, bytes(16))",
        "AES(bytes(16), 2)",
        "AES(bytes(16), 3, bytes(15))",
        "AES(bytes(16), 6, bytes(16))",
        "AES(bytes(16), 3, bytes(16), segment_size=64)",
        "AES(bytes(16)).encrypt(bytes(15))",
        "AES(bytes(16), 2, bytes(16)).decrypt(bytes(17))",
        "AES(bytes(16), 3, bytes(16), segment_size=128).encrypt(bytes(8))",
    ],
)
def test_aes_refuses_what_the_firmware_refuses(device, call):
    printed = device.run(f"""
        from ucrypto import AES
        try:
            {call}
        except ValueError as e:
            print(e)
        """)
    assert printed == "invalid argument(s) value\n"


def test_random_bits_are_bytes(device):
    assert device.values("len(ucrypto.getrandbits(20))", before="import ucrypto") == "3"


@pytest.mark.cpython(reason="the deque of later MicroPythons can be iterated")
def test_a_deque_cannot_be_iterated(device):
    program = "import ucollections\nlist(ucollections.deque((), 3))\n"
    assert "TypeError" in device.run(program)
