"""Code of device files is kept for the next process, and used for the same text only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.device_files import ROOT
from emulator.vm import compiler, kept

FILE = ROOT / "utils" / "place.py"
TEXT = FILE.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr(compiler, "_cache", {})
    kept._names.cache_clear()
    yield
    kept._names.cache_clear()


def compiled_anew(text: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether another process compiles it."""
    parsed: list[str] = []
    parse = ast.parse
    monkeypatch.setattr(compiler, "_cache", {})
    with monkeypatch.context() as patch:
        patch.setattr(ast, "parse", lambda *given: parsed.append("") or parse(*given))
        code = compiler.compile_device(text, "/elsewhere/a.py")
    assert code.co_filename == "/elsewhere/a.py"
    return bool(parsed)


def test_a_text_is_compiled_once_until_the_compiler_is_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert compiled_anew(TEXT, monkeypatch)
    assert not compiled_anew(TEXT, monkeypatch)
    (tmp_path / "compiler.py").write_text("# another\n")
    monkeypatch.setattr(kept, "_COMPILER", tmp_path / "compiler.py")
    assert compiled_anew(TEXT, monkeypatch)


@pytest.mark.parametrize("damage", ["", "half", "other"])
def test_a_damaged_entry_is_made_again(
    damage: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled_anew(TEXT, monkeypatch)
    [entry] = (tmp_path / "device-code").iterdir()
    data = entry.read_bytes()
    entry.write_bytes({"half": data[: len(data) // 2], "other": data[::-1]}.get(damage, b""))
    assert compiled_anew(TEXT, monkeypatch)
    assert entry.read_bytes() == data


def test_programs_and_altered_files_leave_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for text in ("print(1)\n", TEXT + "\n"):
        assert compiled_anew(text, monkeypatch) and compiled_anew(text, monkeypatch)
    assert not (tmp_path / "device-code").exists()
