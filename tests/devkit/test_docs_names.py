"""What docs/emulation.md says of the board's names holds."""

from __future__ import annotations

from devkit.docs import names as part
from emulator import names


def test_what_is_there_by_name_only_is_a_name_of_the_board_and_not_missing() -> None:
    missing = part.missing()
    for path in part.IMITATED:
        module, *inner = path.split(".")
        entry = names.table()[names.weak().get(module, module)]
        for name in inner:
            entry = entry.names[name]
        assert ".".join(inner) not in missing[module], path


def test_the_table_says_what_is_missing() -> None:
    missing = part.missing()
    assert "DAC" in missing["machine"]
    assert "reset" not in missing["machine"]
    assert "WLAN.smartConfig" in missing["network"]
    assert "info" in missing["sqnsupgrade"]
    assert missing["math"] == []
    rows = {row.split(" | ")[0].strip("| `"): row for row in part.table().splitlines()}
    assert "`PWM`" in rows["machine"].split(" | ")[2]
    assert "`DAC`" in rows["machine"].split(" | ")[3]
