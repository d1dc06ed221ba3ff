"""`--config FILE`: the file of one node, alone or with what it takes over from config.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from devkit import application, cli, configuration
from devkit.application import REFERENCE
from devkit.build.targets import PYCOM
from devkit.servers.receiver import Receiver
from emulator.device_files import EXAMPLE, ROOT, copy_device_files, credentials_file

MEADOW = '''"""The node on the meadow."""
from config import *  # all but these

_DEVICE_NAME = "meadow"
_PERIOD_S = 3600
'''


@pytest.fixture
def meadow(tmp_path: Path) -> Path:
    path = tmp_path / "nodes" / "meadow.py"
    path.parent.mkdir()
    path.write_text(MEADOW)
    return path


def test_text_of_config_takes_the_place_of_its_import(meadow: Path) -> None:
    text = configuration.whole(meadow)
    published = REFERENCE.read_text(encoding="utf-8")
    assert text == MEADOW.replace("from config import *  # all but these\n", published)
    with configuration.given(str(meadow)):
        fields = configuration.fields()
    assert (fields["_DEVICE_NAME"], fields["_PERIOD_S"]) == ("meadow", 3600)
    assert fields["_APN"] == "iot.example" and fields["_WIFI_NETS"]
    assert configuration.fields()["_PERIOD_S"] == 900  # of config.py again


def test_published_destination_is_that_of_the_published_file() -> None:
    fields = configuration.fields()
    assert {name: fields[name] for name in application.PUBLISHED} == application.PUBLISHED
    assert configuration.destination() == application.PUBLISHED


def test_file_that_takes_nothing_over_stands_alone(meadow: Path) -> None:
    meadow.write_text('_APN = "alone"\n')
    with configuration.given(str(meadow)):
        assert configuration.fields() == {"_APN": "alone"}
    meadow.write_text("_APN = \n")
    with configuration.given(str(meadow)):
        assert configuration.fields() == {}
        assert configuration.destination()["_BEARER"] == "nbiot"


@pytest.mark.parametrize(
    "text",
    (
        "import config\n",
        "from config import _APN\n",
        "if 1:\n    from config import *\n",
        "from config import *; _APN = ''\n",
    ),
)
def test_other_imports_of_config_are_refused(meadow: Path, text: str, capsys) -> None:
    meadow.write_text(text)
    assert cli.main(["build", "--out", str(meadow.parent), "--config", str(meadow)]) == 1
    err = capsys.readouterr().err
    assert "allowed: from config import *, on a line of its own" in err and err.count("\n") == 1


def test_credentials_are_looked_for_beside_the_file_then_beside_config(
    meadow: Path, tmp_path: Path
) -> None:
    def on_board() -> str:
        copy_device_files(tmp_path / "flash")
        return (tmp_path / "flash" / "credentials.py").read_text(encoding="utf-8")

    example = (ROOT / EXAMPLE).read_text(encoding="utf-8")
    with configuration.given(str(meadow)):
        assert credentials_file() is None and on_board() == example
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "config.py").write_text("_PORT = 7\n")
    (checkout / "credentials.py").write_text("_TOKEN = 'of the checkout'\n")
    with configuration.given(str(checkout / "config.py")):
        assert "of the checkout" in on_board()
        with configuration.given(str(meadow)):
            assert "of the checkout" in on_board()
        meadow.with_name("credentials.py").write_text("_TOKEN = 'of the nodes'\n")
        with configuration.given(str(meadow)):
            assert "of the nodes" in on_board()
        alone = tmp_path / "alone.py"
        alone.write_text("_PORT = 8\n")
        with configuration.given(str(alone)):  # nobody's secrets go to a stranger's node
            assert on_board() == example


def sleeps_an_hour(printed: str) -> bool:
    """To the first place, which is not sooner than a period later."""
    found = re.search(r"sleeping (\d+) ms", printed)
    return found is not None and 3_500_000 < int(found[1]) < 4_600_000


def test_demo_reaches_the_server_of_the_file(meadow: Path, capsys) -> None:
    with meadow.open("a") as file:
        file.write('_BEARER = "wifi"\n_PROTOCOL = "coap"\n_HOST = "203.0.113.7"\n_PORT = 7000\n')
    assert cli.main(["demo", "--config", str(meadow), "--cycles", "1", "--json"]) == 0
    out, err = capsys.readouterr()
    [cycle] = json.loads(out)["cycles"]
    assert {(sent["host"], sent["port"]) for sent in cycle["sent"]} == {("203.0.113.7", 7000)}
    assert b"meadow" in bytes.fromhex(cycle["sent"][0]["hex"])
    assert f"main.py, {meadow}\n" in err and sleeps_an_hour(err)


def test_run_has_the_file(meadow: Path, capsys) -> None:
    main = str(ROOT / "main.py")
    with Receiver("coap") as server:
        route = server.route("192.0.2.1", 5683)
        assert cli.main(["run", main, "--config", str(meadow), "--route", route]) == 0
    assert sleeps_an_hour(capsys.readouterr().out)
    with pytest.raises(SystemExit) as end:
        cli.main(["run", main, "--config", str(meadow), "--flash", str(meadow.parent)])
    assert end.value.code == 2


def test_build_and_component_have_the_file_and_its_credentials(meadow: Path, capsys) -> None:
    folder = meadow.parent
    (folder / "credentials.py").write_text("_TOKEN = 'swordfish'\n")
    config = ["--config", str(meadow)]
    assert cli.main(["build", "--out", str(folder / "dist"), *config]) == 0
    assert cli.main(["component", "application", "--to", str(folder / "one"), *config]) == 0
    assert cli.main(["component", "cbor", "--to", str(folder / "two"), *config]) == 0
    built, whole = folder / "dist" / "pycom-1.20.2" / "flash", configuration.whole(meadow)
    assert (folder / "one" / "config.py").read_text() == whole
    code = PYCOM.compiled(whole.encode(), Path("config.py"))
    assert (built / "config.mpy").read_bytes() == code and not (built / "config.py").exists()
    for flash in (built, folder / "one"):
        assert (flash / "credentials.py").read_text() == "_TOKEN = 'swordfish'\n"
    assert not (folder / "two" / "credentials.py").exists()
    manifest = (folder / "dist" / "pycom-1.20.2" / "manifest.json").read_text()
    assert "config.mpy" in manifest and "credentials" not in manifest


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('_BEARER = "warp"', "_BEARER = 'warp'; allowed: lora, nbiot, wifi"),
        ('_PROTOCOL = "warp"', "_PROTOCOL = 'warp'; allowed: auto, coap, mqtt, udp"),
        ('_SENSORS = (("warp", {}),)', "_SENSORS, sensor 1: module = 'warp'; allowed: ads1115, "),
    ],
)
def test_application_with_a_part_that_does_not_exist_is_not_copied(
    meadow: Path, line: str, said: str, capsys
) -> None:
    meadow.write_text(f"{MEADOW}{line}\n")
    to = meadow.parent / "to"
    command = ["component", "application", "--to", str(to), "--config", str(meadow)]
    assert cli.main(command) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"meadow.py:6: {said}" in err
    assert not to.exists()
