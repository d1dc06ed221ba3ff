"""`./dev release`: what changed, and that a release counts only after its trial on a board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit import cli
from devkit.release import making, sets, store
from devkit.release.sets import Module

pytestmark = pytest.mark.long

Run = Callable[..., tuple[int, dict[str, object]]]


@pytest.fixture(scope="module")
def first(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with release 1, made by the command of the tree as it is."""
    folder: Path = tmp_path_factory.mktemp("first") / "releases"
    assert cli.main(["release", "--keys", str(keys), "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def releases(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "releases"))


@pytest.fixture
def release(keys, releases, monkeypatch, capsys) -> Run:
    """Runs the command on another set than that of the tree; (status, its JSON)."""

    def run(found: list[Module], *arguments: str) -> tuple[int, dict[str, object]]:
        monkeypatch.setattr(sets, "built", lambda: found)
        capsys.readouterr()
        status = cli.main(
            ["release", "--keys", str(keys), "--out", str(releases), "--json", *arguments]
        )
        return status, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every release passes its trial at once."""
    monkeypatch.setattr(making.trial, "failure", lambda *given: None)


def test_the_first_release_is_what_deploy_puts_on_a_board(first: Path, modules) -> None:
    release = store.read(first, 1)
    assert {each.name for each in release.components} == {each.name for each in modules}
    assert {each.version for each in release.components} == {1}


def test_a_change_becomes_the_next_release(release, releases, altered) -> None:
    found = altered({"utils.names": "RELEASED = 2\n"})
    status, told = release(found)
    size = next(len(each.data) for each in found if each.name == "utils.names")
    envelope = (releases / "2/from-1").stat().st_size
    assert (status, told) == (0, {
        "ok": True,
        "release": 2,
        "components": [{"name": "utils.names", "before": 1, "after": 2, "bytes": size}],
        "download_bytes": envelope + size,
        "refused": None,
    })  # fmt: skip
    assert store.numbers(releases) == [1, 2]


@pytest.mark.usefixtures("untried")
def test_added_and_removed_components_are_listed(release, altered, modules) -> None:
    mine = Module("utils.mine", "mpy", *_compiled("utils/mine.py", "X = 1\n"), frozenset())
    found = altered({}, without=("sensors.sht4x",))
    status, told = release(sorted([*found, mine], key=lambda each: each.name))
    assert (status, told["components"]) == (0, [
        {"name": "sensors.sht4x", "before": 1, "after": None, "bytes": 0},
        {"name": "utils.mine", "before": None, "after": 2, "bytes": len(mine.data)},
    ])  # fmt: skip


@pytest.mark.usefixtures("untried")
def test_a_release_that_changes_everything_fits_into_a_signed_list(
    release, altered, modules
) -> None:
    names = [each.name for each in modules if each.kind == "mpy"]
    status, told = release(altered(dict.fromkeys(names, "RELEASED = 2\n")))
    assert (status, told["refused"], len(told["components"])) == (0, None, len(names))


def test_without_a_change_there_is_no_release(release, releases, modules) -> None:
    status, told = release(modules)
    assert (status, told["refused"]) == (1, "nothing has changed since release 1")
    assert (told["ok"], told["release"], told["components"]) == (False, None, [])
    assert store.numbers(releases) == [1]


@pytest.mark.usefixtures("untried")
def test_a_new_epoch_alone_is_a_release(release, releases, modules) -> None:
    status, _ = release(modules, "--sec", "1", "--tries", "2", "--deadline", "5")
    found = store.read(releases, 2)
    assert (status, found.sec, found.trial) == (0, 1, (2, 5))
    status, told = release(modules)
    assert told["refused"] == "nothing has changed since release 2"


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("node", "raise ValueError('bad')\n", "fails its trial, crashed: ValueError: bad"),
        ("node_start", "import nothing\n", "reports, but raises ImportError: no module"),
        ("utils.store", "while True:\n    pass\n", "fails its trial, crashed: reset: watchdog"),
        (
            "protocols.coap",
            "def open(*names): raise OSError(5)\n",
            "is not confirmed: OSError: [Errno 5]",
        ),
    ],
    ids=["raises", "raises at the start", "hangs", "does not report"],
)
def test_a_bad_release_is_refused_with_what_failed(
    name, line, said, release, releases, altered
) -> None:
    status, told = release(altered({name: line}))
    assert status == 1 and not told["ok"] and told["release"] is None
    assert said in str(told["refused"])
    assert [each["name"] for each in told["components"]] == [name]
    assert store.numbers(releases) == [1]


@pytest.mark.usefixtures("untried")
def test_the_trial_is_what_refuses_it(release, releases, altered) -> None:
    """Without one the bad release would be signed."""
    status, _ = release(altered({"node": "raise ValueError('bad')\n"}))
    assert (status, store.numbers(releases)) == (0, [1, 2])


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--tries", "0"], 2, "--tries: '0' is not a whole number, 1 to 7"),
        (["--deadline", "64"], 2, "--deadline: '64' is not a whole number, 1 to 63"),
        (["--sec", "262144"], 2, "--sec: '262144' is not a whole number, 0 to 262143"),
        (["--keys", "nowhere"], 2, "there is no folder 'nowhere'"),
        (["--keys", "."], 1, "keys: not there; allowed: a folder made by ./dev keys new"),
    ],
)
def test_wrong_arguments_are_told(
    arguments, status, said, keys, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["release", "--keys", str(keys), "--out", "releases", *arguments]
    try:
        found = cli.main(given)
    except SystemExit as end:
        found = int(str(end.code))
    assert found == status
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("untried")
def test_a_lower_epoch_is_refused(keys, releases, release, modules, capsys) -> None:
    release(modules, "--sec", "2")
    given = ["release", "--keys", str(keys), "--out", str(releases), "--sec", "1"]
    assert cli.main(given) == 1
    assert "--sec 1; allowed: 2, which the release before has, or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('_PROTOCOL = "udp"', "_PROTOCOL = 'udp' with _BEARER = 'nbiot'; allowed for updates"),
        ('_BEARER = "lora"', "_PROTOCOL = 'auto' with _BEARER = 'lora'; allowed for updates"),
        ("_UPDATE_BYTES_PER_CYCLE = 0", "_UPDATE_BYTES_PER_CYCLE = 0; allowed for updates: 1 or"),
        ('_DEVICE_NAME = "a/b"', "_DEVICE_NAME = 'a/b'; allowed for updates: 1 to 63 letters"),
    ],
)
def test_a_configuration_without_updates_is_told(
    line, said, keys, tmp_path, capsys, modules
) -> None:
    config = tmp_path / "node.py"
    config.write_text(f"from config import *\n\n{line}\n")
    given = ["release", "--keys", str(keys), "--out", str(tmp_path / "releases")]
    assert cli.main([*given, "--config", str(config)]) == 1
    assert said in capsys.readouterr().err


def _compiled(path: str, text: str) -> tuple[bytes, bytes]:
    from devkit.build.targets import PYCOM

    return PYCOM.deployed(text.encode(), Path(path)), text.encode()


@pytest.mark.parametrize(
    "retire", [False, True], ids=["both keys count", "the old one is retired"]
)
def test_a_rotation_of_keys_reaches_the_nodes_as_a_release(
    retire, keys, releases, tmp_path, modules, monkeypatch, capsys
) -> None:
    """Nothing else has changed."""
    own = Path(shutil.copytree(keys, tmp_path / "keys"))
    rotate = ["keys", "rotate", str(own)]
    assert cli.main([*rotate, "--retire"] if retire else rotate) == 0
    monkeypatch.setattr(sets, "built", lambda: modules)
    given = ["release", "--keys", str(own), "--out", str(releases)]
    assert cli.main(given) == 0, capsys.readouterr().err
    assert (releases / "keys").read_bytes() == (own / "keys").read_bytes()
    assert (releases / "2/from-1").read_bytes()[4] == 2, "signed by the new key"
    assert cli.main(given) == 1, "once"


def test_keys_of_another_folder_are_refused(
    releases, tmp_path, altered, monkeypatch, capsys
) -> None:
    """No node of these releases would take what they sign."""
    other = tmp_path / "other"
    assert cli.main(["keys", "new", str(other)]) == 0
    monkeypatch.setattr(sets, "built", lambda: altered({"utils.names": "RELEASED = 2\n"}))
    assert cli.main(["release", "--keys", str(other), "--out", str(releases)]) == 1
    assert "was made with another root key" in capsys.readouterr().err
    assert store.numbers(releases) == [1]


def test_a_configuration_unlike_the_template_is_tried_as_well(
    keys, releases, tmp_path, altered, monkeypatch, capsys
) -> None:
    """A server by name, batches, a battery limit above that of the emulated battery."""
    config = tmp_path / "node.py"
    lines = ['_HOST = "collector.example"', "_SEND_EVERY = 12", "_UPDATE_MIN_MV = 4100",
             '_DEVICE_NAME = "roof"', "_PERIOD_S = 120", '_BEARER = "wifi"']  # fmt: skip
    config.write_text("from config import *\n\n" + "\n".join(lines) + "\n")
    monkeypatch.setattr(sets, "built", lambda: altered({"utils.names": "RELEASED = 2\n"}))
    given = ["release", "--keys", str(keys), "--out", str(releases), "--config", str(config)]
    assert cli.main(given) == 0, capsys.readouterr().err


def test_a_period_that_is_too_short_to_fetch_a_release_is_told(
    keys, releases, tmp_path, altered, monkeypatch, capsys
) -> None:
    config = tmp_path / "node.py"
    config.write_text("from config import *\n\n_PERIOD_S = 90\n")
    monkeypatch.setattr(sets, "built", lambda: altered({"utils.names": "RELEASED = 2\n"}))
    given = ["release", "--keys", str(keys), "--out", str(releases), "--config", str(config)]
    assert cli.main(given) == 1
    said = "_PERIOD_S = 90: after a report no answer, which may take 85 s, fits before the next"
    assert f"{said}; allowed for updates: 100 or more" in capsys.readouterr().err


def test_a_first_release_that_does_not_report_is_refused(
    keys, tmp_path, altered, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(sets, "built", lambda: altered({"node": "raise ValueError('bad')\n"}))
    none = tmp_path / "none"
    assert cli.main(["release", "--keys", str(keys), "--out", str(none)]) == 1
    assert "release 1 does not report: ValueError: bad" in capsys.readouterr().err
    assert not none.exists()


@pytest.mark.parametrize(
    ("config", "driver", "said"),
    [
        ("_PORT = 0", "", ":3: _PORT = 0; allowed: an integer 1 to 65535"),
        ("", 'raise ValueError("bad")', "sensors/si7021.py:{}: ValueError: bad"),
        ("", "import nothing", "sensors/si7021.py:{}: ImportError: no module named 'nothing'"),
    ],
    ids=["value", "driver raises", "driver lacks a module"],
)
@pytest.mark.usefixtures("evaluated_here", "untried")
def test_a_wrong_configuration_is_refused_in_json_as_well(
    config, driver, said, release, releases, modules, tmp_path, damage
) -> None:
    file = tmp_path / "node.py"
    file.write_text(f"from config import *\n\n{config}\n")
    line = damage("sensors/si7021.py", driver)
    status, told = release(modules, "--config", str(file))
    assert (status, told["ok"], told["release"], told["components"]) == (1, False, None, [])
    assert str(told["refused"]).endswith(said.format(line))
    assert store.numbers(releases) == [1]


def test_a_file_that_does_not_compile_is_refused_with_its_line(
    keys, tmp_path, monkeypatch, capsys
) -> None:
    from devkit.build.targets import PYCOM

    def built() -> list[Module]:
        PYCOM.deployed(b"X = 1\ndef x(:\n", Path("sensors/si7021.py"))
        return []

    monkeypatch.setattr(sets, "built", built)
    config = tmp_path / "node.py"
    config.write_text("raise ValueError('later')\n")
    given = ["release", "--keys", str(keys), "--out", str(tmp_path / "none"), "--json"]
    assert cli.main([*given, "--config", str(config)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["refused"] == "sensors/si7021.py:2: invalid syntax"


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled."""

    def built() -> list[Module]:
        raise AssertionError("compiled")

    monkeypatch.setattr(sets, "built", built)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("out", "status", "said"),
    [
        ("docs", 1, "docs: has other files and no release; allowed: a new or an empty folder"),
        ("keys", 1, "keys: has other files and no release; allowed: a new or an empty folder"),
        ("README.md", 2, "--out: 'README.md' is a file; a folder is needed, or a new name"),
    ],
)
def test_releases_go_into_a_folder_of_their_own(
    out, status, said, keys, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/design.md").touch()
    (tmp_path / "README.md").touch()
    shutil.copytree(keys, tmp_path / "keys")
    try:
        found = cli.main(["release", "--keys", "keys", "--out", out])
    except SystemExit as end:
        found = int(str(end.code))
    assert (found, said in capsys.readouterr().err) == (status, True)


@pytest.mark.usefixtures("no_work")
def test_keys_without_a_private_part_are_refused(releases, capsys) -> None:
    assert cli.main(["release", "--keys", str(releases), "--out", str(releases)]) == 1
    assert "no private key in it; allowed: a folder of ./dev keys new" in capsys.readouterr().err


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("retire", "said"),
    [(True, "release key 1 of {} no longer counts"), (False, "release key 1 of {} is not the ne")],
    ids=["retired", "replaced"],
)
def test_keys_from_before_a_rotation_sign_nothing(
    retire, said, keys, releases, tmp_path, capsys
) -> None:
    own = Path(shutil.copytree(keys, tmp_path / "keys"))
    assert cli.main(["keys", "rotate", str(own), *["--retire"] * retire]) == 0
    store.write_keys(releases, own)
    assert cli.main(["release", "--keys", str(keys), "--out", str(releases)]) == 1
    err = capsys.readouterr().err
    assert said.format(keys) in err and str(releases / "keys") in err


def test_the_components_of_a_first_release_are_summed_up(first, keys, tmp_path, capsys) -> None:
    listed = store.read(first, 1).components
    line = f"{len(listed)} components, {sum(each.size for each in listed)} bytes"
    assert cli.main(["release", "--keys", str(keys), "--out", str(tmp_path / "first")]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == line and "utils.names" not in out
