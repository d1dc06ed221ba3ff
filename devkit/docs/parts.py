"""What the marked parts of README.md and docs/ are made of: one function for each.

    PARTS["sensors"]()      # text, without the last newline

`devkit/docs/__main__.py` puts them where they belong.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cbor2

from collector.decode.report import with_units
from collector.decode.senml import decode
from devkit import application
from devkit.application import PUBLISHED
from devkit.bench import backlog, batches, battery, measuring, modules, updates
from devkit.bench.cases import CASES, COLD, CYCLES, LINKS, PROTOCOL, RESUMED
from devkit.bench.measure import row
from devkit.bench.runs import Conditions
from devkit.build import budget
from devkit.commands import bench, demo
from devkit.commands.sensors import listed
from devkit.docs import causes, configuration, contracts, names, wear
from devkit.servers.receiver import Receiver
from devkit.tables import markdown, table
from emulator import scenario
from emulator.cycle import Cycle
from emulator.device_files import ROOT
from emulator.driver.profile import DEFAULT
from emulator.emulator import Emulator
from emulator.network import cell
from emulator.vm.importer import INSTALLS

OF_TEMPLATE = len(CASES) + next(
    place
    for place, case in enumerate(LINKS)
    if (case.link, case.start, case.protocol) == ("uart", COLD.name, PROTOCOL)
)
RESUMES = next(place for place, case in enumerate(LINKS) if case.begins is RESUMED)
SEED = 1
FIRMWARE = DEFAULT
STATUS = {-1: "detached", 0: "activated", 1: "attached", 2: "connected"}
_HEX_A_LINE = 32
COST = (
    "bearer", "protocol", "awake_ms", "floor_awake_ms", "energy_mj", "floor_energy_mj",
    "payload_bytes", "air_bytes",
)  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """A table whose rows are measured one by one, for seconds each.

    sample: numbers of the rows that the tests measure. `python -m devkit.docs` measures all.
    """

    headings: Sequence[str]
    makers: Sequence[Callable[[], Sequence[object]]]
    sample: Sequence[int]

    def __call__(self) -> str:
        return markdown(self.headings, [make() for make in self.makers])

    def sampled(self) -> str:
        """The table with the rows of the sample alone."""
        return markdown(self.headings, [self.makers[number]() for number in self.sample])

    def sample_of(self, written: str) -> str:
        """These rows of a whole table. ValueError if it has another number of rows."""
        first, rule, *rows = written.splitlines()
        if len(rows) != len(self.makers):
            raise ValueError(f"{len(rows)} rows instead of {len(self.makers)}")
        return "\n".join([first, rule, *(rows[number] for number in self.sample)]) + "\n"


def _demo() -> str:
    return block(_transcript())


def _demo_cycle() -> str:
    """The first cycle, up to what the server decoded of it."""
    return block(_transcript("--cycles", "1").partition("\nPhases of each cycle")[0] + "...")


def _transcript(*options: str) -> str:
    """What ./dev demo prints, but for the port, which is another one each time."""
    parser = argparse.ArgumentParser()
    demo.arguments(parser)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        demo.main(parser.parse_args(["--seed", str(SEED), *options]))
    return re.sub(r"(?<= port )\d+(?=,)", "PORT", out.getvalue())


@functools.cache
def _row(number: int, install: str = "mpy") -> dict[str, Any]:
    return row((CASES + LINKS)[number], Conditions(SEED, FIRMWARE, install))


def _measured(
    makers: Sequence[Callable[[], dict[str, Any]]], columns: dict[str, str], sample: Sequence[int]
) -> Rows:
    """A table of the bench: each maker gives a row, `columns` names its keys and headings."""

    def cells(make: Callable[[], dict[str, Any]]) -> Sequence[object]:
        row = make()
        return [row[key] for key in columns]

    return Rows(
        list(columns.values()), [functools.partial(cells, make) for make in makers], sample
    )


def _bench_rows(numbers: range, columns: dict[str, str], sample: Sequence[int]) -> Rows:
    return _measured([functools.partial(_row, number) for number in numbers], columns, sample)


def _cost() -> str:
    """One report over each bearer, as the template sends it."""
    rows = [
        _row(number)
        for number, case in enumerate(CASES)
        if case.name == "report"
        and not case.link
        and case.protocol == application.resolved(case.bearer, application.AUTO)
    ]
    rows.insert(0, _row(OF_TEMPLATE))
    columns = {key: bench.REPORT_COLUMNS[key] for key in COST}
    return markdown(*bench.cells(rows, columns))


def _bench_install() -> Rows:
    """What the form of the modules on the flash changes."""
    shown = ("awake_ms", "floor_awake_ms", "awake_ratio", "energy_mj", "energy_ratio")
    columns = {"install": "modules as"} | {key: bench.CYCLE_COLUMNS[key] for key in shown}

    def made(install: str) -> dict[str, Any]:
        return {"install": install, **_row(OF_TEMPLATE, install)}

    return _measured([functools.partial(made, install) for install in INSTALLS], columns, [0])


def _bench_measuring() -> str:
    return markdown(*bench.cells([measuring.row(SEED)], bench.MEASURING_COLUMNS))


def _bench_batches() -> Rows:
    """Those of the bench, and the longest batch with another firmware, whose AT lines are long."""
    conditions = Conditions(SEED, FIRMWARE, "mpy")
    makers = [functools.partial(batches.row, every, conditions) for every in batches.EVERY]
    makers.append(functools.partial(batches.measuring_row, conditions))
    other = Conditions(SEED, "1.20.2.r7", "mpy")
    makers.append(functools.partial(batches.row, batches.EVERY[-1], other))
    return _measured(makers, bench.BATCH_COLUMNS, [1])


def _bench_link_batches() -> Rows:
    """By the modem's own UART, attaching each time and resuming."""
    conditions = Conditions(SEED, FIRMWARE, "mpy")
    makers = [
        functools.partial(batches.row, every, conditions, "uart", start)
        for start in batches.STARTS
        for every in batches.EVERY
    ]
    return _measured(makers, bench.LINK_BATCH_COLUMNS, [4])


def _bench_battery() -> str:
    """From the rows by link in good coverage."""
    numbers = range(len(CASES), len(CASES + LINKS))
    rows = [_row(number) for number in numbers if battery.counts((CASES + LINKS)[number])]
    return markdown(*bench.battery_cells(battery.rows(rows)))


def _sensors() -> str:
    """What ./dev sensors prints."""
    return markdown(*listed())


def _bench_backlog() -> Rows:
    def made(firmware: str, protocol: str) -> dict[str, Any]:
        conditions = Conditions(SEED, firmware, "mpy")
        return {"firmware": firmware, **backlog.row(protocol, conditions)}

    makers = [
        functools.partial(made, firmware, protocol)
        for firmware in ("1.20.2.r4", "1.20.2.r7")
        for protocol in backlog.PROTOCOLS
    ]
    return _measured(makers, {"firmware": "firmware"} | bench.BACKLOG_COLUMNS, [1])


def _bench_modules() -> str:
    rows = [{**got, "name": f"`{got['name']}`"} for got in modules.rows()]
    return markdown(*bench.cells(rows, bench.MODULE_COLUMNS))


def _copy() -> str:
    """What networking/nbiot.py needs beside it on the flash."""
    return "\n".join(f"- `{path.as_posix()}`" for path in modules.needs(modules.NBIOT))


def _update_cost() -> Rows:
    """Of an update of three components of 20 KB; the sample is its first row."""
    return _measured(
        [functools.partial(updates.row, case, SEED) for case in updates.CASES],
        updates.COLUMNS,
        [0],
    )


def _scenarios() -> Rows:
    def made(name: str) -> Sequence[object]:
        got = _cycles(name, 1)[0][0]
        return [
            f"`{name}`", scenario.load(name).description, STATUS[got.status],
            f"`{got.cause}`" if got.cause else got.ended, _seconds(got.awake_ms),
            _seconds(got.radio_on_ms), got.at_exchanges, _joules(round(got.energy_mj)),
        ]  # fmt: skip

    names = [
        name
        for name in scenario.names()
        if name != "reference" and not name.startswith(("wifi", "lora"))
    ]
    headings = [
        "scenario", "what happens", "status", "cause", "awake", "radio on", "AT", "energy"
    ]  # fmt: skip
    makers = [functools.partial(made, name) for name in names]
    return Rows(headings, makers, range(0, len(names), 4))


def _wifi_scenarios() -> str:
    """What examples/wifi_simple.py makes of the good scenario and of those with Wi-Fi trouble."""
    lines = []
    names = [name for name in scenario.names() if name.startswith("wifi")]
    for name in ["good", *names]:
        printed: list[str] = []
        options: dict[str, Any] = {"seed": SEED, "firmware": FIRMWARE, "console": printed.append}
        with Emulator(scenario=name, **options) as emulator:
            got = emulator.run([str(ROOT / "examples" / "wifi_simple.py")])[0]
        cause = re.search(r"cause (\w+)", "".join(printed))
        lines.append(
            [
                f"`{name}`", scenario.load(name).description, f"`{cause[1] if cause else '?'}`",
                _seconds(got.awake_ms), _seconds(got.radio_on_ms), _joules(round(got.energy_mj)),
            ]
        )  # fmt: skip
    headings = ["scenario", "what happens", "cause", "awake", "radio on", "energy"]
    return markdown(headings, lines)


def _report() -> str:
    """The first datagram of the second cycle: as bytes, as CBOR, as records."""
    cycles, payloads = _cycles("good", 2)
    data = payloads[cycles[0].delivered]
    text = data.hex()
    lines = [text[at : at + 2 * _HEX_A_LINE] for at in range(0, len(text), 2 * _HEX_A_LINE)]
    pack = [f"  {record!r}," for record in cbor2.loads(data)]
    records = with_units(decode(data))
    rows = [[record.name, record.shown, record.unit or ""] for record in records]
    return (
        f"{len(data)} bytes:\n\n"
        + block("\n".join(lines))
        + "\n\nAs CBOR:\n\n"
        + block("\n".join(["[", *pack, "]"]), "python data")
        + "\n\nAs a receiver resolves it (RFC 8428, 4.6), with all units:\n\n"
        + block(table(rows, ["name", "value", "unit"]))
    )


def _procedures() -> str:
    """Percentiles of each procedure as the cell draws them."""
    lines = [
        [kind.replace("_", " "), level, *[_spread(kind, level, which) for which in range(3)]]
        for kind in cell._TABLE
        for level in cell.LEVELS
    ]
    return markdown(["procedure", "coverage", "duration", "transmitting", "receiving"], lines)


def _spread(kind: str, level: str, which: int) -> str:
    entry = cell._TABLE[kind][level]
    low, middle, high = cell._like(entry[which], entry[0])
    return f"{middle:.3g} ({low:.3g}-{high:.3g})"


# What they are made with


def block(text: str, kind: str = "text") -> str:
    return f"```{kind}\n{text.rstrip()}\n```"


@functools.cache
def _cycles(scenario_name: str, cycles: int) -> tuple[list[Cycle], list[bytes]]:
    """Of ./dev demo, and the payloads that came to its server."""
    options: dict[str, Any] = {
        "seed": SEED, "firmware": FIRMWARE, "max_hours": 24, "install": "mpy",
    }  # fmt: skip
    with Receiver(PROTOCOL) as receiver:
        options["routes"] = [receiver.route(PUBLISHED["_HOST"], PUBLISHED["_PORT"])]
        with Emulator(scenario=scenario_name, **options) as emulator:
            receiver.attend(emulator)
            done = emulator.run(cycles=cycles)
        return done, [each.data for each in receiver.received]


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"


def _joules(millijoules: int) -> str:
    return f"{millijoules / 1000:.2f} J"


PARTS: dict[str, Callable[[], str]] = {
    "cost": _cost,
    "demo": _demo,
    "demo-cycle": _demo_cycle,
    # over NB-IoT: a cold attach, and a refusal
    "bench-cycles": _bench_rows(range(len(CYCLES)), bench.CYCLE_COLUMNS, [0, 4]),
    "bench-reports": _bench_rows(range(len(CYCLES), len(CASES)), bench.REPORT_COLUMNS, [1, 5, 6]),
    "bench-links": _bench_rows(
        range(len(CASES), len(CASES + LINKS)), bench.LINK_COLUMNS, [RESUMES]
    ),
    "bench-link-batches": _bench_link_batches(),
    "bench-battery": _bench_battery,
    "bench-install": _bench_install(),
    "bench-modules": _bench_modules,
    "bench-measuring": _bench_measuring,
    "bench-backlog": _bench_backlog(),
    "bench-batches": _bench_batches(),
    "sensors": _sensors,
    "copy": _copy,
    "scenarios": _scenarios(),
    "wifi-scenarios": _wifi_scenarios,
    "report": _report,
    "procedures": _procedures,
    "names": names.table,
    "imitated": names.imitated,
    "configuration": configuration.table,
    "bearer": contracts.bearer,
    "causes": causes.table,
    budget.PART: budget.table,
    "update-cost": _update_cost(),
    "wear": Rows(wear.COLUMNS, [functools.partial(wear.row, *case) for case in wear.CASES], [7]),
}
