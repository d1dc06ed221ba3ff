"""`./dev component`: what one component needs, and a copy of just that."""

from __future__ import annotations

import json

import pytest

from devkit import cli
from devkit.build.components import components
from emulator.device_files import ROOT

NEEDED = sorted(path.as_posix() for path in components()["nbiot"].needs)


def copied(folder) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_lists_what_the_component_needs(capsys):
    assert cli.main(["component", "nbiot"]) == 0
    out = capsys.readouterr().out
    for name in NEEDED:
        assert f"\n{name} " in out
    assert "si7021" not in out
    assert "loaded on demand, not among these: microATreceive" in out


def test_json_has_the_sizes_of_every_file(capsys):
    assert cli.main(["component", "nbiot", "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert "nbiot (bearer)" in err
    assert (report["name"], report["kind"]) == ("nbiot", "bearer")
    assert report["target"] == "pycom-1.20.2"
    assert [file["path"] for file in report["files"]] == NEEDED
    for file in report["files"]:
        assert file["py_bytes"] == (ROOT / file["path"]).stat().st_size
        assert 0 < file["mpy_bytes"] < file["py_bytes"]
    assert report["deployed_bytes"] == sum(file["mpy_bytes"] for file in report["files"])
    own = [file["path"] for file in report["files"] if file["own"]]
    assert own == [path for path in NEEDED if "nbiot" in path]
    assert report["heap_bytes"] is None or report["heap_bytes"] > 0


def test_the_link_by_the_uart_comes_with_nbiot_only_if_asked_for(tmp_path, capsys):
    for words, there in (([], False), (["--with", "uart"], True)):
        folder = tmp_path / str(there)
        assert cli.main(["component", "nbiot", *words, "--to", str(folder)]) == 0
        assert ("networking/_nbiot_uart.py" in copied(folder)) is there
    assert cli.main(["component", "nbiot", "--with", "wifi"]) == 2
    assert "allowed: uart" in capsys.readouterr().err


def test_packages_that_it_imports_are_copied_and_counted(tmp_path, capsys):
    assert cli.main(["component", "mqtt", "--to", str(tmp_path), "--json"]) == 0
    files = {file["path"]: file for file in json.loads(capsys.readouterr().out)["files"]}
    package = files["lib/umqtt/simple.py"]
    assert 1000 < package["mpy_bytes"] < package["py_bytes"]
    assert package["own"] is False
    assert b"class MQTTClient" in (tmp_path / "lib/umqtt/simple.py").read_bytes()


def test_scripts_of_the_application_stay_source(capsys):
    assert cli.main(["component", "application", "--json"]) == 0
    files = {file["path"]: file for file in json.loads(capsys.readouterr().out)["files"]}
    assert files["main.py"]["mpy_bytes"] is None
    assert files["networking/nbiot.py"]["mpy_bytes"] > 0


def test_copies_just_that_as_source(tmp_path, capsys):
    assert cli.main(["component", "nbiot", "--to", str(tmp_path / "new")]) == 0
    assert copied(tmp_path / "new") == ["LICENSE", *NEEDED]
    for name in NEEDED:
        assert (tmp_path / "new" / name).read_bytes() == (ROOT / name).read_bytes()
    assert capsys.readouterr().out.endswith(f"copied to {tmp_path}/new\n")


@pytest.mark.parametrize(
    ("target", "header"), [("pycom-1.20.2", "4d04021f"), ("micropython-1.2x", "4d06001f")]
)
def test_copies_it_compiled_if_a_target_is_named(target, header, tmp_path, request):
    if target != "pycom-1.20.2":
        request.getfixturevalue("current_compiler")
    assert cli.main(["component", "nbiot", "--to", str(tmp_path), "--target", target]) == 0
    assert copied(tmp_path) == ["LICENSE", *(name.replace(".py", ".mpy") for name in NEEDED)]
    assert {path.read_bytes()[:4].hex() for path in tmp_path.rglob("*.mpy")} == {header}


def test_joins_a_project_and_can_be_repeated(tmp_path):
    (tmp_path / "main.py").write_text("import mine\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/mine.py").write_text("")
    for _ in range(2):
        assert cli.main(["component", "nbiot", "--to", str(tmp_path)]) == 0
    assert copied(tmp_path) == sorted(["LICENSE", *NEEDED, "main.py", "lib/mine.py"])


def test_changes_nothing_of_others_unless_told(tmp_path, capsys):
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils/at.py").write_text("mine = 1\n")
    assert cli.main(["component", "nbiot", "--to", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "utils/at.py; allowed: a folder without them, or --replace" in err
    assert err.count("\n") == 1
    assert copied(tmp_path) == ["utils/at.py"]
    assert cli.main(["component", "nbiot", "--to", str(tmp_path), "--replace"]) == 0
    assert (tmp_path / "utils/at.py").read_bytes() == (ROOT / "utils/at.py").read_bytes()


def test_source_that_would_hide_a_compiled_module_is_in_its_way(tmp_path, capsys):
    assert cli.main(["component", "cbor", "--to", str(tmp_path)]) == 0
    compiled = ["component", "cbor", "--to", str(tmp_path), "--target", "pycom-1.20.2"]
    assert cli.main(compiled) == 2
    assert "utils/cbor.py" in capsys.readouterr().err
    assert cli.main([*compiled, "--replace"]) == 0
    assert copied(tmp_path) == ["LICENSE", "utils/__init__.mpy", "utils/cbor.mpy"]


def test_licence_of_the_project_stays(tmp_path):
    ours = (ROOT / "LICENSE").read_bytes()
    (tmp_path / "LICENSE").write_text("mine\n")
    for _ in range(2):
        assert cli.main(["component", "cbor", "--to", str(tmp_path)]) == 0
    assert (tmp_path / "LICENSE").read_text() == "mine\n"
    assert (tmp_path / "LICENSE.pycom-nbiot-nodes").read_bytes() == ours


@pytest.mark.parametrize(
    ("mine", "name", "said"),
    [
        ("utils.py", "cbor", "{}/utils hides {}/utils.py: `import utils`"),
        ("lib/utils.py", "cbor", "{}/utils hides {}/lib/utils.py: `import utils`"),
        ("lib/utils/mine.py", "cbor", "{}/utils hides {}/lib/utils: `import utils`"),
        (
            "microATsocket.py",
            "nbiot",
            "{}/microATsocket.py hides {}/lib/microATsocket.py: `import",
        ),
        ("lib/cbor.py", "cbor", None),
    ],
)
def test_another_module_of_the_same_name_is_said(mine, name, said, tmp_path, capsys):
    (tmp_path / mine).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mine).write_text("mine = 1\n")
    assert cli.main(["component", name, "--to", str(tmp_path)]) == 0
    err = capsys.readouterr().err
    if said is None:
        assert err == ""
    else:
        assert err.startswith(f"./dev component: warning: {said.format(tmp_path, tmp_path)}")
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nbiit"], "no component 'nbiit'; allowed: "),
        (["nbiot", "--target", "arduino"], "'pycom-1.20.2', 'micropython-1.2x'"),
        ([], "NAME"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_is_allowed(arguments, said, capsys):
    try:
        status = cli.main(["component", *arguments])
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_folder_that_is_a_file_is_one_line_too(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["component", "cbor", "--to", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
