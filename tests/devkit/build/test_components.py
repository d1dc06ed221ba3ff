"""What can be taken by itself, and what it needs, is found from the device tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.build.components import components, needs, with_extras
from emulator.device_files import configured, device_files
from tests.devkit.build.tree import plant


def names(paths) -> set[str]:
    return {path.as_posix() for path in paths}


def test_modules_contracts_and_the_application_are_components(tmp_path):
    found = components(plant(tmp_path))
    assert {name: one.kind for name, one in found.items()} == {
        "application": "application",
        "at": "util",
        "cold": "sensor",
        "listening": "lib",
        "networking": "contract",
        "other": "bearer",
        "plugins": "util",
        "radio": "bearer",
        "sensors": "contract",
        "timing": "util",
        "utils": "contract",
        "warmth": "sensor",
    }
    assert list(found) == sorted(found)


def test_underscore_modules_belong_to_those_that_import_them(tmp_path):
    files = {"networking/other.py": "from networking import _dialogue, _more\n",
             "networking/_more.py": ""}  # fmt: skip
    found = components(plant(tmp_path, files))
    assert names(found["radio"].files) == {"networking/radio.py", "networking/_dialogue.py"}
    assert names(found["other"].files) == {
        "networking/other.py",
        "networking/_dialogue.py",
        "networking/_more.py",
    }
    assert found["other"].requires == ("networking", "timing", "utils")


def test_a_package_in_lib_is_one_component(tmp_path):
    files = {"lib/far/__init__.py": "# drop-in: for others\nfrom .far import Far\n",
             "lib/far/far.py": "from utils import timing\nfrom . import sizes\n",
             "lib/far/sizes.py": ""}  # fmt: skip
    far = components(plant(tmp_path, files))["far"]
    assert names(far.files) == set(files)
    assert far.requires == ("timing", "utils") and far.foreign == ("utime",)
    assert far.kind == "drop-in"
    assert names(needs(Path("lib/far/__init__.py"), tmp_path)) >= set(files)


def test_requirements_are_complete_and_leave_out_what_is_loaded_on_demand(tmp_path):
    radio = components(plant(tmp_path))["radio"]
    assert radio.requires == ("at", "networking", "timing", "utils")
    assert radio.optional == ("listening",)
    assert "lib/listening.py" not in names(radio.needs)
    assert radio.foreign == ("machine", "utime")


def test_what_is_needed_anyway_is_not_optional(tmp_path):
    text = "import listening\n\ndef receive():\n    import listening  # on demand\n"
    radio = components(plant(tmp_path, {"networking/radio.py": text}))["radio"]
    assert "listening" in radio.requires
    assert radio.optional == ()


def test_application_needs_the_plugins_that_its_configuration_names(tmp_path):
    application = components(plant(tmp_path))["application"]
    assert names(application.files) == {"main.py", "config.py"}
    assert {"radio", "warmth", "at", "plugins", "sensors"} <= set(application.requires)
    assert "listening" in application.requires  # what its bearer loads on demand
    assert not {"other", "cold"} & set(application.requires)
    text = '_BEARER = "other"\n_SENSORS = ()\n'
    application = components(plant(tmp_path, {"config.py": text}))["application"]
    assert "other" in application.requires
    assert not {"radio", "warmth"} & set(application.requires)


@pytest.mark.parametrize(("bearer", "protocol"), [("nbiot", "coap"), ("lora", "udp")])
def test_application_needs_the_protocol_that_its_bearer_chooses(tmp_path, bearer, protocol):
    config = tmp_path / "config.py"
    config.write_text(f'_BEARER = "{bearer}"\n_PROTOCOL = "auto"\n')
    with configured(config):
        needed = components()["application"].requires
    assert {"udp", "coap", "mqtt"} & set(needed) == {protocol}


def test_packages_in_a_device_folder_are_components_too(tmp_path):
    files = {"networking/big/__init__.py": "from networking.big import part\n",
             "networking/big/part.py": ""}  # fmt: skip
    found = components(plant(tmp_path, files))
    assert found["big"].kind == "bearer"
    assert "networking/big/part.py" in names(found["big"].needs)


def test_two_components_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'radio'.*lib/radio.py.*networking/radio.py"):
        components(plant(tmp_path, {"lib/radio.py": ""}))


def test_a_file_that_does_not_parse_is_named_with_its_line(tmp_path):
    with pytest.raises(ValueError, match=r"networking/other\.py:2: "):
        components(plant(tmp_path, {"networking/other.py": "\nx = (\n"}))


def test_needs_of_a_file_that_is_no_device_file_are_none(tmp_path):
    assert needs(Path("devkit/cli.py"), plant(tmp_path)) == []


# The project's own tree


def test_every_device_file_belongs_to_a_component():
    owned = [path for one in components().values() for path in one.files]
    assert sorted(set(owned)) == device_files()
    shared = {path for path in owned if owned.count(path) > 1}
    assert all(path.name.startswith("_") and path.name != "__init__.py" for path in shared)


def test_files_of_the_required_components_are_what_is_needed():
    found = components()
    for one in found.values():
        files = set(one.files).union(*(found[name].files for name in one.requires))
        assert names(files) == names(one.needs), one.name


def test_nbiot_needs_neither_the_application_nor_other_members_of_its_folder():
    found = components()
    nbiot = found["nbiot"]
    kinds = {found[name].kind for name in nbiot.requires}
    assert kinds <= {"util", "lib", "contract"}
    assert "microATreceive" in nbiot.optional


def test_parts_that_are_loaded_on_demand_are_an_extra_of_their_owner():
    found = components()
    nbiot, extra = found["nbiot"], found["nbiot_uart"]
    parts = ("", "_choice", "_kept", "_line", "_pins", "_psm", "_rescue", "_stream")
    uart = {f"networking/_nbiot_uart{part}.py" for part in parts}
    assert (extra.kind, names(extra.files)) == ("extra", uart)
    assert "nbiot_uart" in nbiot.optional and not uart & names(nbiot.needs)
    assert set(with_extras(found, "nbiot", ["uart"]).needs) == set(extra.needs) > set(nbiot.needs)
    with pytest.raises(ValueError, match="nbiot with 'lte'; allowed: uart"):
        with_extras(found, "nbiot", ["lte"])
