"""The pictures in docs/collect.md: they can be made again, of the same size."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from collector import sample
from devkit.docs import collector_page
from devkit.servers import chromium
from emulator.device_files import ROOT

pytestmark = pytest.mark.long


def size(picture: Path) -> tuple[int, int]:
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) < 150_000
    return struct.unpack(">II", data[16:24])


def test_the_pictures_of_the_documentation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector_page, "DAYS", sample.DAYS_MIN)
    try:
        collector_page.take_pictures(tmp_path)
    except chromium.NoBrowser as problem:
        pytest.skip(str(problem))
    for name, wanted in collector_page.SIZES.items():
        assert size(ROOT / "docs" / name) == size(tmp_path / name) == wanted


def test_what_each_view_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "fleet.db")
    assert sample.main(["--db", path, "--nodes", "3", "--days", "7"]) == 0
    monkeypatch.setattr(collector_page, "RUNS", 1)
    assert collector_page.main(["--measure", path]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in told] == [*collector_page.VIEWS]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--days", "6"], "--days: 6; allowed: 7 to 10000"),
        (["--nodes", "0"], "--nodes: 0; allowed: 1 to 10000"),
        ([], "exists; allowed: a new file"),
        (["--db", "/no folder/a.db"], "--db: /no folder/a.db: unable to open"),
    ],
)
def test_a_made_up_fleet_has_its_limits(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there.db").touch()
    with pytest.raises(SystemExit) as ended:
        sample.main(["--db", str(tmp_path / "there.db"), *words])
    assert ended.value.code == 2 and told in capsys.readouterr().err
