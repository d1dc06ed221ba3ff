"""Stubs of a build: an editor finds in them what the documents describe."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from devkit.build.stubs import stub, stubs
from emulator.device_files import ROOT

STUBS = stubs()


def names(path: str) -> set[str]:
    return {
        node.target.id if isinstance(node, ast.AnnAssign) else node.name
        for node in ast.parse(STUBS[Path(path)]).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        or (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name))
    }


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("nbiot.md", "networking/nbiot.pyi"),
        ("wifi.md", "networking/wifi.pyi"),
        ("lora.md", "networking/lora.pyi"),
    ],
)
def test_every_function_of_a_page_is_in_the_stub_with_its_arguments(page: str, path: str) -> None:
    headings = re.findall(r"^### (\w+)\(([^()]*)\)$", (ROOT / "docs" / page).read_text(), re.M)
    assert headings
    functions = {
        node.name: ast.unparse(node.args)
        for node in ast.parse(STUBS[Path(path)]).body
        if isinstance(node, ast.FunctionDef)
    }
    for name, arguments in headings:
        assert functions[name] == arguments


def test_results_are_named_tuples_and_constants_have_types() -> None:
    text = STUBS[Path("networking/nbiot.pyi")]
    assert "class ConnectResult(NamedTuple):\n    status: Any\n" in text
    assert "SOCK_DGRAM: int" in STUBS[Path("microATsocket.pyi")]


def test_what_is_private_and_what_functions_do_is_left_out() -> None:
    made = stub(
        '"""About."""\n_A = 1\nB = 2\nif B:\n    C = 3\n\ndef _f():\n    pass\n\n'
        'def g(a=B):\n    """Say."""\n    return _f()\n\n'
        "class D(Exception):\n    def __init__(self):\n        self.x = 1\n"
        "    def _h(self):\n        pass\n"
    )
    assert made == (
        '"""About."""\nfrom typing import Any, NamedTuple\nB: int\n\n'
        'def g(a=...):\n    """Say."""\n\n'
        "class D:\n\n    def __init__(self):\n        ...\n"
    )


def test_no_module_of_the_board_is_missing() -> None:
    assert {"emulator", "devkit"}.isdisjoint(path.parts[0] for path in STUBS)
    assert {Path("sensors/si7021.pyi"), Path("protocols/coap.pyi"), Path("utils/at.pyi")} < set(
        STUBS
    )
