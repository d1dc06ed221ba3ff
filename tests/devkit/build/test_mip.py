"""Package descriptions: as the manifest says, and installable by MicroPython's own installer."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.build.components import components
from devkit.build.folder import build
from devkit.build.mip import REPOSITORY, repository
from devkit.build.packages import for_device
from devkit.build.targets import PYCOM
from emulator.device_files import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / PYCOM.name
    build(PYCOM, folder)
    return folder


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    with served(built) as found:
        yield found


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Where a web server on loopback offers a folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_there_is_one_for_each_component(built):
    packages = {package.name for package in for_device(ROOT)}
    assert {path.stem for path in (built / "mip").iterdir()} == {*components(), *packages}


@pytest.mark.parametrize("name", components())
def test_it_lists_the_files_that_the_manifest_requires(name, built):
    description = json.loads((built / f"mip/{name}.json").read_text())
    table = json.loads((built / "manifest.json").read_text())
    entries = {one["name"]: one for one in table["components"]}
    wanted = {
        file["path"]
        for each in [name, *entries[name]["requires"]]
        for file in entries[each]["files"]
    }
    assert set(description) == {"urls", "deps", "version"}
    assert description["version"] == entries[name]["version"]
    assert description["deps"] == []
    assert {f"../flash/{path}" for path in wanted} == {url for _, url in description["urls"]}
    for to, url in description["urls"]:
        assert (built / "mip" / url).is_file()
        assert url in (f"../flash/{to}", f"../flash/lib/{to}")


class Board:
    """The files of a board, as mpremote's transport shows them to its installer."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.folders = {"/flash", "/flash/lib"}

    def fs_exists(self, path: str) -> bool:
        return path in self.files or path in self.folders

    def fs_mkdir(self, path: str) -> None:
        self.folders.add(path)

    def fs_writefile(self, path: str, data: bytes, **more: object) -> None:
        assert path.rpartition("/")[0] in self.folders
        self.files[path] = data


@pytest.mark.parametrize("name", ["nbiot", "si7021", "microATsocket"])
def test_mpremote_installs_it_from_a_web_server(name, built, address):
    mip = pytest.importorskip("mpremote.mip")
    board = Board()
    # as `mpremote mip install URL` does, which sends everything else by its transport
    mip._install_package(board, f"{address}/mip/{name}.json", "", "/flash/lib", None, True)
    needed = {PYCOM.deployed_name(path).as_posix() for path in components()[name].needs}
    assert board.files == {
        "/flash/lib/" + path.removeprefix("lib/"): (built / "flash" / path).read_bytes()
        for path in needed
    }


def test_mpremote_installs_all_components_from_the_repository(tmp_path):
    mip = pytest.importorskip("mpremote.mip")
    wanted = json.loads((ROOT / REPOSITORY).read_text())
    wanted["deps"] = []  # of the index of MicroPython, which is elsewhere
    (tmp_path / REPOSITORY).write_text(json.dumps(wanted))
    for folder in ("lib", "networking", "ota", "protocols", "sensors", "utils"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    board = Board()
    with served(tmp_path) as address:
        mip._install_package(board, address, "", "/flash/lib", None, True)
    sources = {path for each in components().values() for path in each.files}
    installed = {path.as_posix() for path in sources if len(path.parts) > 1}
    assert set(board.files) == {"/flash/lib/" + path.removeprefix("lib/") for path in installed}
    nbiot = board.files["/flash/lib/networking/nbiot.py"]
    assert nbiot == (ROOT / "networking/nbiot.py").read_bytes()


def test_the_description_of_the_repository_is_of_today():
    assert (ROOT / REPOSITORY).read_text(encoding="utf-8") == repository()
