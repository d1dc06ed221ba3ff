"""The readers of ota/ on a board, on either runtime, and keys of release.

Making an RSA key takes seconds, so each test run makes those that it needs once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from devkit.release.keys import rsa_key
from emulator.device_files import ROOT
from tests.device import SUPPORT, Bare

PROGRAM = """
from support import given, show
from ota import {modules}

for function, arguments in given():
    module, name = function.split(".")
    show(getattr({{{names}}}[module], name)(*arguments))
"""
MODULES = ("_envelope", "_keys", "_manifest", "_rsa")

CONTENT = """
from support import given, show

def content(name):
    with open("/flash/" + name, "rb") as file:
        return file.read()
"""

Call = tuple[Any, ...]  # "_keys.hmac", arguments...


def as_file(value: Any, kept: dict[bytes, str]) -> Any:
    return kept.setdefault(value, f"{len(kept)}.bin") if isinstance(value, bytes) else value


@pytest.fixture
def on_board(make_bare: Callable[..., Bare]) -> Callable[..., list[Any]]:
    """on_board((function, arguments...), ...): what these functions return on a board.

    With `program`, what this program shows; given() has the calls then, with the name of a file
    for bytes: JSON of this length takes the other runtime half a minute.
    """
    bare = make_bare()
    shutil.copytree(ROOT / "ota", bare.flash / "ota")
    shutil.copy2(SUPPORT, bare.flash / "support.py")

    def run(*calls: Call, program: str = "", **nvs: Any) -> list[Any]:
        if program:
            kept: dict[bytes, str] = {}
            given = [[as_file(one, kept) for one in call] for call in calls]
            for content, name in kept.items():
                (bare.flash / name).write_bytes(content)
            bare.give(given)
            bare.run(CONTENT + program)
            assert bare.outcome is not None and bare.outcome.kind == "finished", bare.outcome
            return bare.told()
        for key, value in nvs.items():
            bare.service("nvs").put(key, value)
        bare.give([(function, list(arguments)) for function, *arguments in calls])
        names = ", ".join(f'"{one}": {one}' for one in MODULES)
        bare.run(PROGRAM.format(modules=", ".join(MODULES), names=names))
        assert bare.outcome is not None and bare.outcome.kind == "finished", bare.outcome
        return bare.told()

    return run


@pytest.fixture
def some(runtime: str) -> Callable[[Sequence[Any]], list[Any]]:
    """some(rows): all of them, or every eighth where a signature takes half a second."""
    return lambda rows: list(rows)[:: 1 if runtime == "cpython" else 8]


@pytest.fixture(scope="session")
def root() -> RSAPrivateKey:
    return rsa_key()


@pytest.fixture(scope="session")
def signer() -> RSAPrivateKey:
    """A release key."""
    return rsa_key()


@pytest.fixture(scope="session")
def other() -> RSAPrivateKey:
    """Another release key."""
    return rsa_key()
