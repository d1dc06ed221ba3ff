"""`./dev deploy` puts files on an emulated board, over its REPL on a pseudo-terminal."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from devkit import cli
from devkit.build.folder import build
from devkit.build.targets import CURRENT, PYCOM
from devkit.deploy import source as sources
from emulator.device_files import ROOT, configured
from emulator.vm import mpy

MPY = bytes((0x4D, 4, 2, 31)) + bytes(range(256)) * 6  # the header of the Pycom core, and anything
FILES = {
    "boot.py": b"print('boot')\n",
    "main.py": b"print('new')\n",
    "config.py": b"_APN = 'from the build'\n",
    "networking/nbiot.mpy": MPY,
    "utils/at.mpy": MPY + b"at",
}
SMALL = (
    "pyproject.toml", "config.py", "protocols/__init__.py", "protocols/_senml_entries.py",
    "protocols/_senml_json.py", "protocols/senml.py", "utils/__init__.py", "utils/cbor.py",
    "utils/names.py",
)  # fmt: skip


THERE = ("sensors/", "protocols/", "utils/")
FOR_OTHERS = ("lib/microcoapy/", "lib/dns_query")  # programs that are not of this tree


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with a few device files: a build of all of them takes long on the line."""
    target: Path = tmp_path_factory.mktemp("tree")
    for name in SMALL:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """A build for Pycom boards."""
    target: Path = tmp_path_factory.mktemp("build") / "built"
    build(PYCOM, target, small)
    return target


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def left(path: str, data: bytes) -> str:
    """The temporary name of a file."""
    return f"{path}.{hashlib.sha256(data).hexdigest()[:8]}.new"


def test_an_empty_board_gets_everything(board, folder, deploy, capsys) -> None:
    one = board()
    assert deploy(one.port, folder(FILES)) == 0
    assert one.files() == FILES
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f"GPy, 1.20.2.r4, /flash on {one.port}"
    assert out.splitlines()[-1] == "5 files: 5 written, 0 unchanged, 0 kept, 0 removed"
    assert err == ""


def test_only_what_differs_is_sent_and_the_rest_is_left_alone(board, folder, deploy) -> None:
    old = {**FILES, "main.py": b"print('old')\n", "data.log": b"mine", "certs/ca.pem": b"mine"}
    one = board(old)
    assert deploy(one.port, folder(FILES)) == 0
    assert one.files() == {**old, **FILES}
    new = left("main.py", FILES["main.py"])
    assert one.changes() == [f"write {new}", f"rename {new} main.py"]


def test_the_second_time_nothing_is_written(board, folder, deploy, capsys) -> None:
    one = board(FILES)
    assert deploy(one.port, folder(FILES)) == 0
    assert one.changes() == []
    assert capsys.readouterr().out.endswith("0 written, 4 unchanged, 1 kept, 0 removed\n")


def test_a_file_is_complete_and_verified_before_any_old_one_goes(board, folder, deploy) -> None:
    one = board(dict.fromkeys(FILES, b"old"))
    assert deploy(one.port, folder(FILES), "--replace-config") == 0
    events = one.events()
    names = {path: left(path, data) for path, data in FILES.items()}
    first = min(at for at, event in enumerate(events) if event.startswith("rename"))
    for name in names.values():
        assert events.index(f"write {name}") < events.index(f"open {name}", 0, first) + 2
        assert events[:first].count(f"open {name}") == 2  # written, then read back
    # what others import comes first, what the board starts comes last
    order = ["utils/at.mpy", "networking/nbiot.mpy", "config.py", "boot.py", "main.py"]
    renames = [event for event in events if event.startswith("rename")]
    assert renames == [f"rename {names[path]} {path}" for path in order]


def test_what_no_file_imports_yet_is_placed_before_what_is_replaced(board, folder, deploy) -> None:
    one = board({"utils/at.mpy": b"old"})
    assert deploy(one.port, folder(FILES)) == 0
    placed = [event.split()[-1] for event in one.events() if event.startswith("rename")]
    assert placed == ["networking/nbiot.mpy", "config.py", "utils/at.mpy", "boot.py", "main.py"]


def test_the_program_is_interrupted_so_the_board_restarts(board, folder, deploy) -> None:
    one = board()
    assert deploy(one.port, folder(FILES)) == 0
    one.rehearsal.wait_for("starts (watchdog)")  # as this firmware calls machine.reset()
    assert one.rehearsal.said == [
        "starts (power_on)", "reset: machine.reset", "starts (watchdog)",
    ]  # fmt: skip


def test_the_config_of_the_board_stays(board, folder, deploy, capsys) -> None:
    one = board({"config.py": b"_APN = 'of this node'\n"})
    assert deploy(one.port, folder(FILES)) == 0
    assert one.files()["config.py"] == b"_APN = 'of this node'\n"
    assert "kept  config.py" in " ".join(capsys.readouterr().out.split(" ")).replace("   ", " ")


def test_the_config_is_replaced_if_told(board, folder, deploy) -> None:
    one = board({"config.py": b"_APN = 'of this node'\n"})
    assert deploy(one.port, folder(FILES), "--replace-config") == 0
    assert one.files()["config.py"] == FILES["config.py"]


def test_the_credentials_belong_to_the_board_too(board, folder, deploy) -> None:
    own = {"config.py": b"_APN = 'of this node'\n", "credentials.py": b"_TOKEN = 'of this node'\n"}
    files = {**FILES, "credentials.py": b"_TOKEN = 'of the build'\n", "LICENSE": b"MIT"}
    one = board({"config.py": own["config.py"]})
    assert deploy(one.port, folder(files)) == 0  # there are none yet
    expected = {**files, "config.py": own["config.py"]}
    del expected["LICENSE"]
    assert one.files() == expected
    one = board(own)
    assert deploy(one.port, folder(files)) == 0
    assert one.files() == {**expected, **own}


def test_the_file_of_one_node_is_sent_as_its_config(board, folder, deploy, tmp_path) -> None:
    (tmp_path / "meadow.py").write_text("_APN = 'of the meadow'\n")
    (tmp_path / "credentials.py").write_text("_TOKEN = 'of the meadow'\n")
    config = ["--config", str(tmp_path / "meadow.py")]
    meadow = {
        "config.py": b"_APN = 'of the meadow'\n",
        "credentials.py": b"_TOKEN = 'of the meadow'\n",
    }
    one = board()
    assert deploy(one.port, folder(FILES), *config) == 0
    assert one.files() == {**FILES, **meadow}
    old = {"config.py": b"_APN = 'of this node'\n"}
    one = board(old)
    assert deploy(one.port, folder(FILES), *config) == 0
    assert one.files() == {**FILES, **meadow, **old}
    assert deploy(one.port, folder(FILES), *config, "--replace-config") == 0
    assert one.files() == {**FILES, **meadow}


def test_a_compiled_config_does_not_replace_the_source_on_the_board(board, folder, deploy) -> None:
    one = board({"config.py": b"_APN = 'of this node'\n"})
    assert deploy(one.port, folder({"config.mpy": MPY})) == 0
    assert one.files() == {"config.py": b"_APN = 'of this node'\n"}
    assert deploy(one.port, folder({"config.mpy": MPY}), "--replace-config") == 0
    assert one.files() == {"config.mpy": MPY}  # the board would load the other one


def test_the_file_of_one_node_takes_the_place_of_the_compiled_config(built, tmp_path) -> None:
    (tmp_path / "meadow.py").write_text("_APN = 'of the meadow'\n")
    with configured(tmp_path / "meadow.py"):
        source = sources.configured(sources.load(built))
    files = {file.path: file.data for file in source.files}
    assert "config.py" not in files and b"of the meadow" in files["config.mpy"]
    assert files["config.mpy"][:5] == mpy.HEADER


def test_a_source_that_would_hide_its_mpy_goes(board, folder, deploy, capsys) -> None:
    stale = {"networking/nbiot.py": b"old", "networking/mine.py": b"mine", "nbiot.py": b"mine"}
    one = board(stale)
    assert deploy(one.port, folder(FILES)) == 0
    del stale["networking/nbiot.py"]
    assert one.files() == {**FILES, **stale}
    assert "networking/nbiot.py   it would hide networking/nbiot.mpy" in capsys.readouterr().out


def test_a_stale_source_goes_also_if_its_mpy_is_there_already(board, folder, deploy) -> None:
    one = board({**FILES, "networking/nbiot.py": b"old"})
    assert deploy(one.port, folder(FILES)) == 0
    assert one.files() == FILES


def test_a_folder_that_hides_a_module_is_said_and_left(board, folder, deploy, capsys) -> None:
    one = board({"utils/at/notes.txt": b"mine"})
    assert deploy(one.port, folder(FILES)) == 0
    assert "the board's folder utils/at hides utils/at.mpy" in capsys.readouterr().err
    assert one.files()["utils/at/notes.txt"] == b"mine"


def test_dry_run_says_what_would_change_and_changes_nothing(board, folder, deploy, capsys) -> None:
    old = {"main.py": b"old", "networking/nbiot.py": b"old", "config.py": b"mine"}
    old[left("main.py", b"half")] = b"ha"
    one = board(old)
    assert deploy(one.port, folder(FILES), "--dry-run") == 0
    assert one.files() == old
    assert one.changes() == []
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines == [
        f"would be removed {left('main.py', b'half')} left by an interrupted deploy",
        "would be new utils/at.mpy 1542 bytes",
        "would be new networking/nbiot.mpy 1540 bytes",
        "would be new boot.py 14 bytes",
        "would be changed main.py 13 bytes",
        "would be removed networking/nbiot.py it would hide networking/nbiot.mpy",
        "kept config.py the board's own; --replace-config replaces it",
        "5 files: 4 would be written, 0 unchanged, 1 kept, 2 would be removed",
    ]


@pytest.mark.parametrize(
    ("on_board", "expected"),
    [
        # FAT renames by deleting first: the power went in between
        ({left("main.py", FILES["main.py"]): FILES["main.py"]}, {}),
        ({left("networking/mine.py", b"mine"): b"mine"}, {"networking/mine.py": b"mine"}),
        ({left("config.py", b"_APN = 1\n"): b"_APN = 1\n"}, {"config.py": b"_APN = 1\n"}),
        # the transfer ended early
        ({"main.py": b"old", left("main.py", FILES["main.py"]): FILES["main.py"]}, {}),
        ({"main.py": b"old", left("main.py", FILES["main.py"]): FILES["main.py"][:4]}, {}),
        ({"main.py": b"old", left("main.py", b"of another build"): b"of another build"}, {}),
    ],
    ids=["cut", "cut, not in this build", "cut, config", "complete", "a piece", "another build"],
)
def test_what_an_interrupted_deploy_left_is_put_right(
    on_board, expected, board, folder, deploy
) -> None:
    one = board(on_board)
    assert deploy(one.port, folder(FILES)) == 0
    assert one.files() == {**FILES, **expected}


def test_what_was_sent_completely_is_not_sent_again(board, folder, deploy) -> None:
    one = board({left(path, data): data for path, data in FILES.items()})
    assert deploy(one.port, folder(FILES)) == 0
    assert one.files() == FILES
    assert not [event for event in one.events() if event.startswith("write")]


def test_the_programs_own_names_and_output_do_not_matter(board, folder, deploy) -> None:
    one = board()
    one.run("hashlib = os = look = put = None")
    one.run("def print(*a, p=print): p('beep', *a)\r")
    assert deploy(one.port, folder(FILES)) == 0
    assert one.files() == FILES


def test_a_fresh_build_is_the_default(board, tmp_path, monkeypatch) -> None:
    """The board has most of it already: all of it takes long on the line."""
    build(PYCOM, tmp_path / "before")
    content = files_below(tmp_path / "before" / "flash")
    one = board({path: data for path, data in content.items() if path.startswith(THERE)})
    monkeypatch.chdir(tmp_path)
    assert cli.main(["deploy", one.port]) == 0
    built = files_below(tmp_path / "dist" / "pycom-1.20.2" / "flash")
    assert built["networking/nbiot.mpy"][:2] == b"M\x04"
    assert built == content
    here = {path: data for path, data in built.items() if not path.startswith(FOR_OTHERS)}
    assert one.files().items() >= here.items()  # and the journal of a node that has begun
    assert not set(one.files()) & (set(built) - set(here))


def test_a_current_micropython_imports_what_was_deployed(current, small, tmp_path, deploy) -> None:
    build(CURRENT, tmp_path / "built", small)
    assert deploy(current.port, tmp_path / "built") == 0
    said = current.run(
        "import sys\nsys.path.insert(0, '/')\nimport protocols.senml as s\nprint(s.__file__)"
    )
    assert said.strip().endswith("protocols/senml.mpy")


def test_an_altered_build_is_refused(board, built, tmp_path, deploy, capsys) -> None:
    shutil.copytree(built, tmp_path / "built")
    altered = tmp_path / "built" / "flash" / "utils" / "cbor.mpy"
    altered.write_bytes(altered.read_bytes() + b"!")
    one = board()
    assert deploy(one.port, tmp_path / "built") == 1
    assert "cbor.mpy is not as it was built: run ./dev build again" in capsys.readouterr().err
    assert one.files() == {}


def test_the_config_of_a_build_may_be_edited(board, built, tmp_path, deploy) -> None:
    shutil.copytree(built, tmp_path / "built")
    (tmp_path / "built" / "flash" / "config.py").write_bytes(b"_APN = 'ours'\n")
    one = board()
    assert deploy(one.port, tmp_path / "built") == 0
    assert one.files()["config.py"] == b"_APN = 'ours'\n"


def test_the_manifest_is_what_the_build_writes(built: Path) -> None:
    """The fields that are read here."""
    manifest = json.loads((built / "manifest.json").read_text())
    assert manifest["target"] == "pycom-1.20.2"
    assert {"path", "sha256"} <= set(manifest["components"][0]["files"][0])


def test_a_drop_in_stays_here(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "tree")
    (tmp_path / "tree" / "lib").mkdir()
    for name, text in (("mine", ""), ("others", "# drop-in: for other programs\n")):
        (tmp_path / "tree" / "lib" / f"{name}.py").write_text(text)
    build(PYCOM, tmp_path / "built", tmp_path / "tree")
    assert (tmp_path / "built" / "flash" / "lib" / "others.mpy").is_file(), "for mip"
    paths = {file.path for file in sources.load(tmp_path / "built").files}
    assert "lib/mine.mpy" in paths and "lib/others.mpy" not in paths


def test_the_board_side_is_micropython_1_11() -> None:
    from devkit.deploy import repl, slots
    from emulator.vm import mpy

    agents = [(repl._HERE / name).read_text() for name in (repl._AGENT, slots.AGENT)]
    for text in (*agents, *map(repl._sent, agents), repl._BOOTSTRAP):
        assert mpy.compiled(text.encode(), "agent", mpy.DEPLOYED)[:2] == b"M\x04"
