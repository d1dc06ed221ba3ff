"""./dev check: every problem with its file and line, before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit import cli, config_check, configuration
from devkit.application import REFERENCE
from emulator.device_files import configured

MEADOW = "from config import *\n\n"
SENSORS = """_SENSORS = (
    ("si7021", {"sda_pin": "P9", "scl_pin": "P10"}),
    ("analog_generic", {"data_pin": "P9"}),
)
"""


@pytest.fixture
def checked_apart(tmp_path: Path) -> Callable[..., list[str]]:
    """What is said of a file, and of its credentials, without the folder."""

    def check(text: str, credentials: str | None = None, limit_s: float = 5) -> list[str]:
        (tmp_path / "node.py").write_text(text, encoding="utf-8")
        if credentials is not None:
            (tmp_path / "credentials.py").write_text(credentials, encoding="utf-8")
        with configured(REFERENCE):
            found = config_check.problems(tmp_path / "node.py", limit_s)
        return [str(each).replace(f"{tmp_path}/", "") for each in found]

    return check


@pytest.fixture
def checked(
    checked_apart: Callable[..., list[str]], evaluated_here: None
) -> Callable[..., list[str]]:
    return checked_apart


def test_published_configuration_has_no_problem(capsys) -> None:
    with configured(REFERENCE):
        assert cli.main(["check"]) == 0
    assert capsys.readouterr().out.endswith("config.py: no problem found\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("_SENSORS = (\n    1\n    2,\n)\n", r"node\.py:[23]: invalid syntax.*: [12],?$"),
        (
            "_SENSORS = (\n    ('a', {})\n    ('b', {}),\n)\n",
            r"node\.py:2: TypeError: .* \('a', {}\); probably a comma is missing after it$",
        ),
        ("_PORT = \n", r"node\.py:1: invalid syntax: _PORT =$"),
        ("_PORT = 5\n  _HOST = 6\n", r"node\.py:2: unexpected indent: _HOST = 6$"),
        ("_TOPIC = 'r\n", r"node\.py:1: unterminated string literal .*: _TOPIC = 'r$"),
        (MEADOW + "import nothing\n", r"node\.py:3: ImportError: .*: import nothing$"),
        (MEADOW + "_A = 1 / 0\n", r"node\.py:3: ZeroDivisionError.*: _A = 1 / 0$"),
        ("import config\n", r"node\.py:1: import config; allowed: from config import \*"),
        (
            MEADOW + "(_A := 1)\n",
            r"node\.py:3: a form that the board's MicroPython .*: \(_A := 1\)$",
        ),
        (MEADOW + "_A = f'{1}'\n", r"node\.py:3: a form that the board's Micro.*: _A = f'\{1}'$"),
        (MEADOW + "raise SystemExit\n", r"node\.py:1: SystemExit; allowed: a file that ends by"),
        ("while True: pass\n", r"node\.py:1: does not end; allowed: a file that ends within"),
        ("import utime\nutime.sleep(9999)\n", r"node\.py:1: does not end; allowed: "),
        (
            f"{MEADOW}class P:\n  def __eq__(self, other):\n    while True: pass\n"
            "_IP_VERSION = P()\n",
            r"node\.py:1: does not end; allowed: ",
        ),
    ],
)
def test_a_file_that_does_not_run_is_told_with_its_line(
    checked: Callable[..., list[str]], text: str, said: str
) -> None:
    [problem] = checked(text)
    assert re.search(said, problem), problem


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("sensors/si7021.py", "raise ValueError('bad')", "ValueError: bad"),
        ("sensors/si7021.py", "def x(:", "invalid syntax"),
        ("sensors/_i2c.py", "import nothing", "ImportError: no module named 'nothing'"),
        ("protocols/coap.py", "raise ValueError('bad')", "ValueError: bad"),
        ("networking/nbiot.py", "raise OSError(5)", "OSError: [Errno 5] EIO"),
        ("node_check.py", "raise ValueError('bad')", "ValueError: bad"),
    ],
)
def test_a_module_that_does_not_load_is_told_with_its_line(
    file: str, line: str, said: str, checked: Callable[..., list[str]], damage: Callable[..., int]
) -> None:
    number = damage(file, line)
    text = MEADOW + "_SENSORS = (('si7021', {'sda_pin': 'P9', 'scl_pin': 'P10'}),)\n"
    assert checked(text) == [f"{file}:{number}: {said}"]


def test_a_module_that_never_ends_is_told(checked, damage) -> None:
    damage("sensors/si7021.py", "while True: pass")
    text = MEADOW + "_SENSORS = (('si7021', {'sda_pin': 'P9', 'scl_pin': 'P10'}),)\n"
    [said] = checked(text)
    assert said.startswith("sensors/si7021.py:1: importing it does not end; allowed: ")


def test_a_file_that_computes_for_ever_is_stopped(
    checked_apart: Callable[..., list[str]],
) -> None:
    text = MEADOW + "\n_PORT = 10 ** 10 ** 9\n"
    assert checked_apart(text, limit_s=1) == [
        "node.py:4: does not end; allowed: a file that ends within 1 s"
    ]


def test_each_problem_has_the_line_of_its_field(checked: Callable[..., list[str]]) -> None:
    found = checked(
        f"{MEADOW}_PERIODS = 60\n_JOURNAL_BYTE = 50\n_BANDS = [20]\n_own = 1\n_APN = 7\n"
        f"_HOST = '192.0.2.1:5683'\n{SENSORS}",
        "_TOKEN = 'swordfish'\n_TOKENS = 'swordfish'\n_APP_KEYY = 'swordfish'\n",
    )
    allowed = "; allowed: a field; the nearest one is "
    assert [text.partition(allowed)[0] for text in found[:2]] == [
        "credentials.py:2: _TOKENS = '***'", "credentials.py:3: _APP_KEYY = '***'",
    ]  # fmt: skip
    assert found[2:5] == [
        f"node.py:3: _PERIODS = 60{allowed}_PERIOD_S",
        f"node.py:4: _JOURNAL_BYTE = 50{allowed}_JOURNAL_BYTES",
        f"node.py:5: _BANDS = [20]{allowed}_BAND",
    ]
    assert found[5].startswith("node.py:6: _own = 1; allowed: a field")
    assert found[6].startswith("node.py:7: _APN = 7; allowed: 0 to 99 printable")
    assert found[7].startswith("node.py:8: _HOST = '192.0.2.1:5683'; allowed: an IP address")
    assert found[8].startswith("node.py:11: _SENSORS, sensor 2 (analog_generic): data_pin = 'P9'")
    assert len(found) == 9


def test_a_field_without_its_underscore_is_told(checked: Callable[..., list[str]]) -> None:
    assert checked(f"{MEADOW}PERIOD_S = 60\nHOUR_S = 3600\nPORT = 7000\n_PORT = PORT\n") == [
        "node.py:3: PERIOD_S; allowed: a field; the nearest one is _PERIOD_S"
    ]


def test_a_protocol_that_is_not_there_is_told_with_auto(
    checked: Callable[..., list[str]],
) -> None:
    [said] = checked(f"{MEADOW}_PROTOCOL = 'http'\n")
    assert said == "node.py:3: _PROTOCOL = 'http'; allowed: auto, coap, mqtt, udp"


def test_a_field_of_an_earlier_release_is_told_its_successor(
    checked: Callable[..., list[str]],
) -> None:
    assert checked(f"{MEADOW}_BACKLOG_BYTES = 4096\n_BACKLOG_PER_CYCLE = 4\n") == [
        "node.py:3: _BACKLOG_BYTES is now _JOURNAL_BYTES; allowed: 1024 to 65536",
        "node.py:4: _BACKLOG_PER_CYCLE is now _DRAIN_S; allowed: 0 to 600 s",
    ]


def test_a_field_that_is_taken_over_is_told_where_it_stands(
    checked: Callable[..., list[str]],
) -> None:
    taken = REFERENCE.read_text(encoding="utf-8").split("\n")
    line = next(number for number, text in enumerate(taken, 1) if text.startswith("_PERIOD_S"))
    [said] = checked(MEADOW + "_MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 3000\n")
    assert f"config.py:{line}: _PERIOD_S = 900, _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 3000: " in said


def test_json_names_all_fields_of_a_combination_and_no_secret(tmp_path: Path, capsys) -> None:
    file = tmp_path / "node.py"
    file.write_text(f"{MEADOW}_PROTOCOL = 'coap'\n_TOPIC = '{'p' * 55}'\n")
    (tmp_path / "credentials.py").write_text(f"_TOKEN = '{'k' * 36}'\n")
    with configured(REFERENCE):
        assert cli.main(["check", "--config", str(file), "--json"]) == 1
    out, err = capsys.readouterr()
    table = json.loads(out)
    [problem] = table["problems"]
    assert table["ok"] is False
    assert (problem["file"], problem["line"]) == (str(file), 4)
    assert (problem["fields"], problem["value"]) == (["_TOPIC", "_TOKEN"], "p" * 55)
    assert problem["allowed"] == "at least 50"
    assert set(problem) == {"file", "line", "fields", "value", "allowed", "text"}
    assert "kkkk" not in out + err


def test_only_a_file_that_cannot_be_opened_is_wrong_usage(tmp_path: Path, capsys) -> None:
    assert cli.main(["check", "--config", str(tmp_path / "none.py")]) == 2
    (tmp_path / "latin.py").write_bytes(b"_PORT = 1\n_APN = 'caf\xe9'\n")
    assert cli.main(["check", "--config", str(tmp_path / "latin.py")]) == 1
    said = f"{tmp_path}/latin.py:2: byte 0xe9; allowed: a file saved as UTF-8\n"
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ("\n_TOKEN = 'swordfish\n", "credentials.py:2: unterminated string literal"),
        ("_TOKEN = 'swordfish' / 2\n", "credentials.py:1: TypeError: unsupported"),
    ],
)
def test_no_line_of_the_credentials_is_shown(
    checked: Callable[..., list[str]], secrets: str, said: str
) -> None:
    [problem] = checked(MEADOW, secrets)
    assert problem.startswith(said)
    assert problem.endswith(": ***") and "swordfish" not in problem


def test_check_takes_no_credentials_from_the_example(tmp_path: Path, capsys) -> None:
    file = tmp_path / "node.py"
    file.write_text(f"{MEADOW}_BEARER = 'lora'\n")
    with configured(REFERENCE):
        assert cli.main(["check", "--config", str(file)]) == 1
        assert "_APP_KEY is missing in credentials.py" in capsys.readouterr().out
        (tmp_path / "credentials.py").write_text(f"_APP_KEY = '{'0' * 32}'\n")
        assert cli.main(["check", "--config", str(file)]) == 0


@pytest.mark.usefixtures("evaluated_here")
@pytest.mark.parametrize(
    "command", [["build", "--out"], ["component", "application", "--to"], ["deploy", "--wait"],
                ["demo", "--trace"]], ids=lambda words: words[0]
)  # fmt: skip
@pytest.mark.parametrize(
    ("line", "said"),
    [("_SENSORS = (1 2)", "invalid syntax"), ("_BEARER = 'nbiott'", "allowed: lora, nbiot, wifi")],
)
def test_commands_refuse_a_wrong_configuration_in_one_line(
    tmp_path: Path, command: list[str], line: str, said: str, capsys
) -> None:
    file = tmp_path / "node.py"
    file.write_text(f"{MEADOW}{line}\n")
    words = [*command, "1" if command[0] == "deploy" else str(tmp_path / "out")]
    words += ["/dev/null"] if command[0] == "deploy" else []
    with configured(REFERENCE):
        assert cli.main([*words, "--config", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"{file}:3: ") and said in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("one", "other", "expected"), [("", "abc", 3), ("_BANDS", "_BAND", 1),
    ("_PREIOD_S", "_PERIOD_S", 2), ("_APN", "_APN", 0)])  # fmt: skip
def test_distance_counts_edits(one: str, other: str, expected: int) -> None:
    assert config_check.distance(one, other) == config_check.distance(other, one) == expected


@pytest.mark.parametrize(
    "bearer, protocol", [("wifi", "coap"), ("nbiot", "mqtt"), ("lora", "udp")]
)
def test_no_secret_stands_in_output_trace_or_json(
    tmp_path: Path, bearer: str, protocol: str, capsys
) -> None:
    port = 1883 if protocol == "mqtt" else 5683
    file, trace = tmp_path / "node.py", tmp_path / "trace"
    file.write_text(
        f"{MEADOW}_BEARER = {bearer!r}\n_PROTOCOL = {protocol!r}\n_PORT = {port}\n"
        "_WIFI_FORCE_NO_SCAN = True\n"
    )
    secrets = {"_USER": "sword-user", "_TOKEN": "sword-token"}
    example = {"_WIFI_NETS": {"field-ap": {"pwd": "for-documentation"}},
               "_APP_KEY": "2B7E151628AED2A6ABF7158809CF4F3C"}  # fmt: skip
    lines = [f"{name} = {value!r}\n" for name, value in (secrets | example).items()]
    (tmp_path / "credentials.py").write_text("".join(lines))
    with configured(REFERENCE):
        words = ["--config", str(file), "--cycles", "1", "--trace", str(trace), "--json"]
        assert cli.main(["demo", *words]) == 0
        with configuration.given(str(file)):
            hidden = configuration.secret_values(configuration.fields())
    assert len(hidden) == 4
    out, err = capsys.readouterr()
    whole = (out + err + trace.read_text()).lower()
    assert ("***" in whole) == (bearer != "lora")  # its key stays in the NVS of the board
    for text in hidden:
        assert text.lower() not in whole and text.encode().hex() not in whole
