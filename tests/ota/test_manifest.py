"""What a release may make of the set that runs: every reason to refuse one, and what is left."""

from __future__ import annotations

import dataclasses
from hashlib import sha256

import pytest

from devkit.release import format as formats
from devkit.release.format import Component, Manifest

pytestmark = pytest.mark.both_runtimes
KEY = bytes(range(32))
MACHINE = ("GPy", "1.20.2.r4")
FLOOR, BAD = 11, 13

CHECK = """
from ota import _keys, _manifest

KEY = bytes(range(32))
for body, text, arguments in given():
    running = _manifest.read_set(content(text), KEY)
    found = _manifest.parse(content(body), running.components)
    if not isinstance(found, str):
        found = _manifest.check(found, running, *arguments)
    if not isinstance(found, str):
        found = _keys.sha256(*_manifest.set_text(found, KEY))
    show(found)
"""


def component(name, version=1, requires=(), text="", kind="mpy"):
    return Component.of(name, f"M\x04\x02\x1f{name} {text}".encode(), version, requires, kind)


def by_name(*components):
    return {one.name: one for one in components}


RUNNING = by_name(
    component("lib.x"),
    component("node", 1, [("utils.a", 1), ("utils.b", 1)]),
    component("node_reset", kind="py"),
    component("ota.__init__"),
    component("ota._word", 1, [("ota.__init__", 1)]),
    component("utils.__init__"),
    component("utils.a", 3, [("utils.__init__", 1)]),
    component("utils.b", 9, [("utils.__init__", 1)]),
    component("utils.idle"),
)
NOW = formats.set_file(formats.set_list(11, 2, (3, 24), RUNNING.values()), KEY)


def manifest(*added, removed=(), **fields):
    """Release 12, whose result is what its components make of RUNNING."""
    kept = {} if fields.get("base") == "*" else RUNNING
    result = {**kept, **by_name(*added)}
    for name in removed:
        result.pop(name, None)
    made = Manifest(12, formats.set_digest(RUNNING.values()),
                    formats.set_digest(result.values()), added, tuple(removed), 2)  # fmt: skip
    return dataclasses.replace(made, **fields)


A = component("utils.a", 12, [("utils.__init__", 1)], "new")


def many(count):
    return [component(f"more.m{at:03}", 12) for at in range(count)]


def large(count, size=65536):
    return [dataclasses.replace(one, size=size) for one in many(count)]


def closed(*requires, version=12, name="utils.new"):
    """A release with a component that requires these, and utils.a in version 12."""
    return manifest(A, component(name, version, requires))


def short(one, removed=(), before=None):
    """A release whose list repeats no requirement of `before`, by default of what runs."""
    return manifest(A, one, removed=removed, before=before or tuple(RUNNING.values()))


NODE = RUNNING["node"].requires
WHOLE = [component(name, 12, one.requires, kind=one.kind) for name, one in RUNNING.items()]

# manifest, cause or None; what differs from MACHINE, FLOOR, BAD
CHECKS = {
    "a changed component": (manifest(A), None),
    "an added one": (manifest(component("mine.sensor", 12)), None),
    "a removed one": (manifest(removed=["utils.idle"]), None),
    "all changed": (manifest(*WHOLE), None),
    "a complete list": (manifest(*WHOLE, base="*"), None),
    "nothing": (manifest(), None),
    # F35: board, firmware, byte code
    "wrong board": (manifest(A, boards=("FiPy",)), "board"),
    "part of a board's name": (manifest(A, boards=("GPyX", "GP", "gpy")), "board"),
    "one of the boards": (manifest(A, boards=("WiPy", "GPy")), None),
    "firmware from here on": (manifest(A, firmware=("1.20.2.r4", "1.21")), None),
    "firmware before": (manifest(A, firmware=("1.20.2.r5", "1.21")), "firmware"),
    "firmware behind": (manifest(A, firmware=("1.18", "1.20.2.r4")), "firmware"),
    "firmware by number": (manifest(A, firmware=("1.9.9", "1.100")), None),
    "a release candidate runs": (manifest(A), "firmware", ("GPy", "1.20.2.rc4"), FLOOR, BAD),
    "r10 runs": (manifest(A, firmware=("1.20.2.r9", "1.20.3")), None, ("GPy", "1.20.2.r10")),
    "byte code of 1.12": (manifest(A, mpy=(5, 2, 31)), "mpy"),
    "byte code without unicode": (manifest(A, mpy=(4, 0, 31)), "mpy"),
    "byte code with a cache of maps": (manifest(A, mpy=(4, 3, 31)), "mpy"),
    "native code": (manifest(A, mpy=(4, 2 | 7 << 2, 31)), "mpy"),
    "smaller integers": (manifest(A, mpy=(4, 2, 30)), None),
    "larger integers": (manifest(A, mpy=(4, 2, 63)), "mpy"),
    # F33, F34: number and epoch
    "rollback": (manifest(A, seq=10), "manifest"),  # its component is of release 12
    "rollback to old files": (manifest(seq=10), "rollback"),
    "the floor again": (manifest(seq=11), "rollback"),
    "rejected before": (manifest(A, seq=13), "bad"),
    "rejected before, and old": (manifest(seq=10), "bad", MACHINE, FLOOR, 10),
    "as far ahead as allowed": (manifest(A, seq=FLOOR + 10000), None),
    "fast-forward": (manifest(A, seq=FLOOR + 10001), "forward"),
    "fast-forward to the last number": (manifest(A, seq=262143), "forward"),
    "a first release": (manifest(A, seq=12), None, MACHINE, 0, 0),
    "an older epoch": (manifest(A, sec=1), "epoch"),
    "an epoch below that of NVS": (manifest(A), "epoch", MACHINE, FLOOR, BAD, 3),
    "a newer epoch": (manifest(A, sec=3), None),
    # precursor
    "wrong precursor": (manifest(A, base="0" * 64), "base"),
    "precursor without a component": (
        manifest(A, base=formats.set_digest([RUNNING["node"]])), "base"),
    # F39: mix-and-match
    "another result": (manifest(A, result="0" * 64), "result"),
    "a component of another release": (
        manifest(component("utils.a", 12, text="other"), result=manifest(A).result), "result"),
    "the result before": (manifest(A, result=manifest().result), "result"),
    "a source in place of byte code": (
        manifest(component("node_reset", 12, kind="py", text="x"), result=manifest().result),
        "result"),
    # F38: what requires what
    "requires what is there": (closed(("utils.b", 1)), None),
    "requires the version that is there": (closed(("utils.b", 9)), None),
    "requires a later version": (closed(("utils.b", 10)), "requirement"),
    "requires the version that comes": (closed(("utils.a", 12)), None),
    "requires what is nowhere": (closed(("utils.c", 1)), "requirement"),
    "requires one of two": (closed(("utils.b", 9), ("utils.c", 1)), "requirement"),
    "requires itself": (closed(("utils.new", 12)), None),
    "requires itself, but later": (manifest(component("utils.new", 11, [("utils.new", 12)])),
                                   "requirement"),
    "a cycle": (manifest(component("mine.p", 12, [("mine.q", 12)]),
                         component("mine.q", 12, [("mine.p", 12)])), None),
    "an old one requires what goes": (manifest(removed=["utils.b"]), "requirement"),
    "a new one requires what goes": (
        manifest(component("utils.new", 12, [("utils.idle", 1)]), removed=["utils.idle"]),
        "requirement"),
    "an old one requires what is put back": (
        manifest(component("utils.b", 12, text="old"), component("node", 12, [("utils.b", 12)])),
        None),
    "a complete list without what is required": (
        manifest(*[one for one in WHOLE if one.name != "utils.b"], base="*"), "requirement"),
    "requires what it did": (short(component("node", 12, NODE)), None),
    "requires what it did, and more": (
        short(component("node", 12, [("utils.a", 12), *NODE[1:], ("utils.idle", 1)])), None),
    "requires what it did, one of them later": (
        short(component("node", 12, [NODE[0], ("utils.b", 10)])), "requirement"),
    "requires what it did, and that goes": (
        short(component("node", 12, NODE), removed=["utils.b"]), "requirement"),
    "requires what it did, and is new": (
        short(component("utils.new", 12, NODE), before=(component("utils.new", 1, NODE),)),
        "manifest"),
    # what may go
    "removal of what is not there": (manifest(removed=["utils.c"]), "removal"),
    "removal of what comes": (manifest(A, removed=["utils.a"]), "removal"),
    "removal of ota": (manifest(removed=["ota._word"]), "removal"),
    "removal of the node": (manifest(component("utils.new", 12), removed=["node"]), "removal"),
    "removal of its first start": (manifest(removed=["node_reset"]), "removal"),
    "a complete list without ota": (
        manifest(*[one for one in WHOLE if one.name != "ota._word"], base="*"), "removal"),
    "a complete list that removes": (
        manifest(*WHOLE, removed=["utils.idle"], base="*"), "removal"),
    # sizes
    "as many as allowed": (manifest(*many(200 - len(RUNNING))), None),
    "one more": (manifest(*many(201 - len(RUNNING))), "count"),
    "201 in the list": (manifest(*many(201)), "count"),
    "a component as large as allowed": (manifest(*large(1)), None),
    "a larger one": (manifest(*large(1, 65537)), "manifest"),
    "an empty one": (manifest(*large(1, 0)), "manifest"),
    "a set as large as allowed": (manifest(*large(15)), None),
    "a larger set": (manifest(*large(16)), "size"),
    # F40: what hides what
    "a module hides a package": (manifest(component("utils", 12)), "shadow"),
    "a package hides a module": (manifest(component("node.part", 12)), "shadow"),
    "a package hides a module, deeply": (manifest(component("lib.x.y.z", 12)), "shadow"),
}  # fmt: skip


def test_a_release_is_taken_or_refused_for_its_cause(on_board):
    rows = []
    for made, _, *differs in CHECKS.values():
        rows.append((made.body, NOW, differs + [MACHINE, FLOOR, BAD][len(differs):]))  # fmt: skip
    told = on_board(*rows, program=CHECK)
    causes = [one if isinstance(one, str) else None for one in told]
    assert dict(zip(CHECKS, causes, strict=True)) == {name: row[1] for name, row in CHECKS.items()}


@pytest.mark.parametrize("name", [name for name, row in CHECKS.items() if row[1] is None])
def test_the_result_is_the_set_that_the_release_describes(on_board, name):
    made, _, *differs = CHECKS[name]
    row = (made.body, NOW, differs + [MACHINE, FLOOR, BAD][len(differs) :])
    [digest] = on_board(row, program=CHECK)
    kept = {} if made.base == "*" else RUNNING
    result = {**kept, **by_name(*made.added)}
    for gone in made.removed:
        del result[gone]
    written = formats.set_list(made.seq, made.sec, made.trial, result.values())
    assert digest == sha256(formats.set_file(written, KEY)).digest()


def text(*lines):
    return ("\n".join(lines) + "\n").encode()


LINES = manifest(A, component("utils.c", 12), removed=["lib.x", "utils.idle"]).body.decode()
LINES = LINES.splitlines()
SHA = sha256(b"").hexdigest()


def edited(old, new):
    """The body with one line replaced, or left out."""
    [at] = [at for at, line in enumerate(LINES) if line.startswith(old)]
    return text(*LINES[:at], *([new] if new is not None else []), *LINES[at + 1 :])


def named(name):
    """A component of this name, in ascending order."""
    return edited("+ utils.a" if name < "utils.b" else "+ utils.c", f"+ {name} mpy 12 5 {SHA} -")


TEXTS = {
    "as it is": (text(*LINES), None),
    # F36, names:
    **{f"name {name!r}": (named(name), "name") for name in (
        "../main", "..", ".", "", "/x", "/flash/main", "a/b", "a\\b", "utils..x", ".x", "x.",
        "boot", "boot.x", "boot_trial", "main", "config", "config.mpy", "credentials",
        "1x", "utils.1x", "x-y", "x\x00", "utils.\u00e9", "\u0391.b", "x\r", "x\t", "a.b.c.d.e",
        "x" * 33, ".".join(["x" * 21] * 3), "utils.x" + "y" * 60, "%2e%2e", "~", "*")},
    **{f"name {name!r}": (named(name), None) for name in (
        "v", "vv.con", "v" * 32, "utils.cX9", "v.b.c.d", "utils.zz", "v_x.__init__")},
    "name required": (edited("+ utils.c", f"+ utils.c mpy 12 5 {SHA} ../x:1"), "name"),
    "name removed": (edited("- lib.x", "- ../x"), "name"),
    "a name twice": (edited("+ utils.c", f"+ utils.a mpy 12 5 {SHA} -"), "name"),
    "names not ascending": (edited("+ utils.c", f"+ utils.B mpy 12 5 {SHA} -"), "name"),
    "removed twice": (edited("- utils.idle", "- lib.x"), "name"),
    # F37: limits, and order
    "a long line": (edited("board", "board GPy " + "x" * 1020), "manifest"),
    "line of 1024": (edited("board", "board GPy " + "x" * 1014), None),
    "nested": (b"[" * 30000 + b"\nend\n", "manifest"),
    "100 KB": (b"[" * 100000, "manifest"),
    "32 KB": (text(*LINES[:-1]) + b"- x\n" * 8192 + b"end\n", "manifest"),
    "a key twice": (edited("seq", "seq 12\nseq 13"), "manifest"),
    "lines exchanged": (text(LINES[0], LINES[2], LINES[1], *LINES[3:]), "manifest"),
    "added behind removed": (text(*LINES[:-1], f"+ zz mpy 12 5 {SHA} -", "end"), "manifest"),
    "truncated": (text(*LINES[:-1]), "manifest"),
    "truncated in a line": (text(*LINES)[:-3], "manifest"),
    "no line feed at the end": (text(*LINES)[:-1], "manifest"),
    "more behind": (text(*LINES, "more"), "manifest"),
    "end twice": (text(*LINES, "end"), "manifest"),
    "empty": (b"", "manifest"),
    "end alone": (b"end\n", "manifest"),
    "only end": (b"\nend\n", "manifest"),
    "no set": (text(*LINES[1:]), "manifest"),
    "another format": (edited("set", "set 2"), "manifest"),
    "carriage returns": (text(*LINES).replace(b"\n", b"\r\n"), "manifest"),
    "not UTF-8": (edited("board", "board GPy").replace(b"GPy", b"GPy \xff\xfe"), "manifest"),
    "two spaces": (edited("seq", "seq  12"), "manifest"),
    "a space behind": (edited("seq", "seq 12 "), "manifest"),
    "a tab": (edited("seq", "seq\t12"), "manifest"),
    "upper case": (edited("seq", "SEQ 12"), "manifest"),
    # F35: each header line missing
    **{f"no {line.split()[0]}": (edited(line, None), "manifest") for line in LINES[1:9]},
    "no board named": (edited("board", "board"), "manifest"),
    "one firmware": (edited("fw", "fw 1.20.2.r4"), "manifest"),
    "firmware x": (edited("fw", "fw 1.x 2"), "manifest"),
    "a digest too short": (edited("result", "result " + SHA[1:]), "manifest"),
    "a digest too long": (edited("result", f"result {SHA}0"), "manifest"),
    "a digest in upper case": (edited("base", "base " + SHA.upper()), "manifest"),
    "a base of two digits": (edited("base", "base **"), "manifest"),
    "a result for all": (edited("result", "result *"), "manifest"),
    **{f"seq {n!r}": (edited("seq", f"seq {n}"), "manifest") for n in (
        "0", "-1", "262144", "1e3", "0x10", "012", "+12", "12.0", "1_2", "", "\u0661", "9" * 900)},
    **{f"trial {n}": (edited("trial", f"trial {n}"), "manifest") for n in (
        "0 24", "3 0", "8 24", "3 64", "3", "3 24 1")},
    **{f"component {n!r}": (edited("+ utils.c", "+ utils.c " + n), "manifest") for n in (
        f"py 12 5 {SHA} -", f"exe 12 5 {SHA} -", f"mpy 0 5 {SHA} -", f"mpy 13 5 {SHA} -",
        f"mpy 12 5 {SHA}", f"mpy 12 5 {SHA} - -", f"mpy 12 5 {SHA[1:]} -", f"mpy 12 5 {SHA} ",
        f"mpy 12 5 {SHA} x", f"mpy 12 5 {SHA} x:", f"mpy 12 5 {SHA} x:0", f"mpy 12 5 {SHA} x:13",
        f"mpy 12 5 {SHA} x:1:2", f"mpy 12 5 {SHA} x:1,", f"mpy x 5 {SHA} -")},
    "node_reset as byte code": (
        edited("+ utils.a", f"+ node_reset mpy 12 5 {SHA} -"), "manifest"),
}  # fmt: skip
PARSE = """
from ota import _manifest

for name, in given():
    found = _manifest.parse(content(name))
    show(found if isinstance(found, str) else None)
"""


def test_a_text_that_differs_from_the_format_is_refused_for_its_cause(on_board):
    rows = TEXTS
    told = on_board(*[(body,) for body, _ in rows.values()], program=PARSE)
    assert dict(zip(rows, told, strict=True)) == {name: cause for name, (_, cause) in rows.items()}


def test_a_set_file_counts_with_the_tag_of_this_node_only(on_board):
    other = formats.set_file(formats.set_list(11, 2, (3, 24), RUNNING.values()), bytes(32))
    torn = [NOW[:-1], NOW[1:], NOW[:-70], NOW + b"\n", b"", b"end \n", NOW[:200] + NOW[201:]]
    flipped = bytes((NOW[0] ^ 1,)) + NOW[1:]
    calls = [("_manifest.read_set", one, KEY) for one in (other, flipped, *torn)]
    assert on_board(*calls) == ["set_tag"] * len(calls)


@pytest.mark.parametrize(
    ("kind", "head", "is_loadable"),
    [
        ("mpy", b"M\x04\x02\x1f", True),
        ("mpy", b"M\x04\x02\x1e", True),
        ("mpy", b"M\x04\x02\x20", False),
        ("mpy", b"M\x04\x03\x1f", False),
        ("mpy", b"M\x04\x00\x1f", False),
        ("mpy", b"M\x04\x22\x1f", False),  # native code
        ("mpy", b"M\x05\x02\x1f", False),
        ("mpy", b"M\x06\x00\x1f", False),
        ("mpy", b"m\x04\x02\x1f", False),
        ("mpy", b"M\x04\x02", False),
        ("mpy", b"", False),
        ("mpy", b"impo", False),
        ("py", b"impo", True),
        ("py", b"MOST", True),
        ("py", b"M\x04\x02\x1f", False),
    ],
)
@pytest.mark.cpython(reason="no arithmetic, no text")
def test_byte_code_is_known_by_its_header(on_board, kind, head, is_loadable):
    assert on_board(("_manifest.is_loadable", kind, head)) == [is_loadable]


def test_paths_are_derived_from_names(on_board):
    names = [("networking.nbiot", "mpy"), ("node", "mpy"), ("node_reset", "py")]
    told = on_board(*[("_manifest.path", *one) for one in names])
    assert told == ["networking/nbiot.mpy", "node.mpy", "node_reset.py"]
    assert told == [component(name, kind=kind).path for name, kind in names]
