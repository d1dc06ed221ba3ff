"""utils.plugins: modules found by the name in the configuration."""

from __future__ import annotations

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

FIND = "from utils import plugins\nimport sys\n"
MARKS = "('go',)"


@pytest.fixture
def shelf(device: Device) -> Device:
    device.put("shelf/__init__.py", "")
    device.put("shelf/good.py", "def go():\n    return 'good'\n")
    device.put("shelf/other.py", "def go():\n    return 'other'\n")
    device.put("shelf/plain.py", "value = 1\n")
    device.put("shelf/_hidden.py", "def go():\n    return 'hidden'\n")
    device.put("shelf/broken.py", "def go(:\n")
    device.put("shelf/needy.py", "import not_there\ndef go():\n    return 'needy'\n")
    device.put("shelf/notes.txt", "no module\n")
    return device


def test_only_the_module_asked_for_is_loaded(shelf: Device) -> None:
    assert shelf.run(
        FIND
        + f"show(plugins.find('shelf', 'good', {MARKS}).go())\n"
        + "show(sorted(name for name in sys.modules if name.startswith('shelf.')))"
    ) == ["good", ["shelf.good"]]


@pytest.mark.parametrize(
    "name",
    ["warp", "", "plain", "_hidden", "__init__", "good.go", "../good", "a/b", "Good", "9good",
     "good ", "good\n", None, 5, b"good", "os", "notes", "ünder"],
)  # fmt: skip
def test_what_is_no_plug_in_is_refused_with_what_is_there(shelf: Device, name: object) -> None:
    [[kind, text]] = shelf.run(
        FIND + f"show(raised(plugins.find, 'shelf', given(), {MARKS}))", name
    )
    assert kind == "ValueError"
    assert text.endswith("allowed: good, other")
    assert "shelf" in text


def test_an_empty_folder_and_an_absent_one(shelf: Device) -> None:
    shelf.put("bare/__init__.py", "")
    empty, absent = shelf.run(
        FIND
        + f"show(raised(plugins.find, 'bare', 'x', {MARKS}))\n"
        + f"show(raised(plugins.find, 'nowhere', 'x', {MARKS}))"
    )
    assert empty[0] == "ValueError" and empty[1].endswith("allowed: none installed")
    assert "nowhere" in absent[1]


def test_a_module_that_misses_another_says_so(shelf: Device) -> None:
    [[kind, text]] = shelf.run(FIND + f"show(raised(plugins.find, 'shelf', 'needy', {MARKS}))")
    assert kind == "ImportError" and "not_there" in text


def test_the_folders_of_this_project(device: Device) -> None:
    shown = device.run(
        FIND
        + "show(hasattr(plugins.find('networking', 'nbiot', ('up', 'down', 'stop')), 'connect'))\n"
        + "show(hasattr(plugins.find('protocols', 'udp', ('open', 'NEEDS')), 'deliver'))\n"
        + "show(raised(plugins.find, 'networking', '_attach', ('up', 'down')))"
    )
    assert shown[:2] == [True, True]
    assert shown[2][0] == "ValueError" and "allowed: lora, nbiot, wifi" in shown[2][1]
    assert "_nbiot_attach" not in shown[2][1].split("allowed")[1]
