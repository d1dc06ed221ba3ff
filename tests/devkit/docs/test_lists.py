"""Lists in the documents that the code knows: each is held against the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit import application, docs
from devkit.application import REFERENCE
from devkit.docs import causes, configuration, contracts
from emulator.device_files import CREDENTIALS, EXAMPLE, ROOT

DOCS = ROOT / "docs"


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _tree(name: str) -> ast.Module:
    return ast.parse(_text(name))


def _rows(page: str, first_heading: str) -> list[list[str]]:
    """The cells of the table with this first heading."""
    _, found, rest = _text(f"docs/{page}").partition(f"\n| {first_heading} |")
    assert found, f"{page} has no table {first_heading!r}"
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [_cells(line) for line in lines]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _words(cells: Iterable[str]) -> set[str]:
    return {word for cell in cells for word in re.findall(r"`\"?(\w+)\"?`", cell)}


# Contracts

BEARERS = application.bearers()
PROTOCOLS = application.protocols()


def _defined(name: str) -> set[str]:
    """Functions and names that a module has."""
    found = set()
    for node in _tree(name).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def _demanded(package: str, *owners: str) -> set[str]:
    """What the application asks a plug-in for: by name, and as marks of plugins.find."""
    found = set()
    for name in ("node_start.py", "node.py", "node_send.py", "node_check.py"):
        for node in ast.walk(_tree(name)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in owners:
                found.add(node.attr)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "plugins.find":
                folder, _, marks = node.args[:3]
                if ast.literal_eval(folder) == package:
                    found |= set(ast.literal_eval(marks))
    return found


@pytest.mark.parametrize("bearer", BEARERS)
def test_each_bearer_has_what_the_contract_lists_and_explains_it(bearer: str) -> None:
    explained = {
        node.name
        for node in _tree(f"networking/{bearer}.py").body
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)
    }
    assert set(contracts.names("networking")) <= explained


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_protocol_has_what_the_contract_lists(protocol: str) -> None:
    of_a_session = {"deliver", "confirms", "close"}
    listed = contracts.names("protocols")
    assert of_a_session < set(listed)
    assert set(listed) - of_a_session <= _defined(f"protocols/{protocol}.py")


def test_the_contract_of_bearers_lists_what_the_application_demands() -> None:
    demanded = _demanded("networking", "self._bearer", "self.bearer", "module")
    assert {"up", "down", "problems"} < demanded
    listed = contracts.names("networking") + contracts.optional("networking")
    assert demanded <= set(listed)


def test_the_contract_of_protocols_lists_what_the_application_demands() -> None:
    demanded = _demanded("protocols", "self._protocol", "self.protocol", "module")
    assert {"open", "NEEDS", "overhead", "problems"} <= demanded
    assert demanded <= set(contracts.names("protocols") + contracts.optional("protocols"))


def test_design_page_names_the_functions_of_the_contracts() -> None:
    said = {row[0]: row[2] for row in _rows("design.md", "contract")}
    assert re.findall(r"`(\w+)`", said["bearer"]) == contracts.names("networking")
    named = re.findall(r"`(\w+)(?:\(.*?\))?`", said["protocol"])
    assert set(named) == set(contracts.names("protocols")) - {"confirms", "close"}


@pytest.mark.parametrize("file", ["networking/_nbiot_lte.py", "networking/_nbiot_uart.py"])
def test_a_link_has_the_members_of_its_contract(file: str) -> None:
    contract = ast.get_docstring(_tree("networking/_nbiot_lte.py")) or ""
    listed = set(re.findall(r"^(\w+)(?:\([^)]*\))?(?: {2,}|$)", contract, re.M))
    [link] = [each for each in _tree(file).body if getattr(each, "name", "") == "Link"]
    members = {each.name for each in ast.walk(link) if isinstance(each, ast.FunctionDef)}
    for node in ast.walk(link):
        if isinstance(node, ast.Assign):
            members |= {ast.unparse(target).removeprefix("self.") for target in node.targets}
    not_here = (
        {"dial", "has_address"} if file.endswith("_uart.py") else {"rest", "wake", "meanwhile"}
    )
    needed = listed - not_here
    assert {"open", "exchange", "hang_up", "close"} < needed <= members
    assert {name for name in listed if name in _text("docs/design.md")} == listed


# Folders


def test_design_page_shows_every_folder_and_no_other() -> None:
    [shown] = re.findall(
        r"^## Folders.*?^```text\n(.*?)^```", _text("docs/design.md"), re.S | re.M
    )
    named, top = set(), ""
    for line in shown.splitlines():
        if line.startswith("  "):
            named.add(top + line.split()[0])
        else:
            words = line[: line.index("  ")].split()
            top = words[0]
            named |= set(words)
    there = {path.name for path in ROOT.glob("*.py")} - {CREDENTIALS}
    for parent in (ROOT, ROOT / "emulator", ROOT / "devkit"):
        there |= {
            path.relative_to(ROOT).as_posix() + "/"
            for path in parent.iterdir()
            if path.is_dir() and path.name[0] not in "._" and path.name not in ("dist", "nodes")
        }
    assert named == there


# Causes


def _causes(files: list[str], calls: tuple[str, ...]) -> set[str]:
    """Texts that the code gives for a cause: assigned, returned, handed to one of these calls."""
    found: set[str] = set()
    for name in files:
        for node in ast.walk(_tree(name)):
            if isinstance(node, ast.Assign) and any(map(_is_cause, node.targets)):
                found |= set(_texts(node.value))
            elif isinstance(node, ast.Call):
                function = ast.unparse(node.func).rpartition(".")[2]
                if function in calls:
                    found |= {text for argument in node.args for text in _texts(argument)}
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                if ast.unparse(node.value.elts[0]) == "None":  # no value, and why
                    found |= set(_texts(node.value))
    return found


def _is_cause(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple):
        return any(map(_is_cause, target.elts))
    named = ast.unparse(target).rpartition(".")[2]
    return named in ("cause", "_CAUSES", "_outcome", "reason", "_rests_for")


def _texts(value: ast.expr) -> Iterator[str]:
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _files(pattern: str) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob(pattern))]


def _docstring(name: str, function: str) -> str:
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return ast.get_docstring(node) or ""
    raise AssertionError(f"{name} has no {function}")


# page, first headings of its tables, files, calls that take a cause
CAUSES = [
    (
        "template.md",
        ["cause of a cycle"],
        ["main.py", "node*.py", "utils/manners.py"],
        ("fail",),
    ),
    ("wifi.md", ["cause of Wi-Fi"], ["networking/*wifi*.py"], ("Outcome",)),
    (
        "lora.md",
        ["cause", "result"],
        ["networking/lora.py", "networking/_lora_*.py"],
        ("Failed", "fail"),
    ),
    ("coap.md", ["cause"], ["protocols/coap.py", "protocols/coap_blocks.py"], ("_end",)),
    ("sensors.md", ["cause"], ["sensors/*.py", "utils/adc.py"], ("SensorError", "fail")),
]


@pytest.mark.parametrize(
    ("page", "headings", "files", "calls"), CAUSES, ids=[c[0] for c in CAUSES]
)
def test_causes_of_a_page_are_those_of_the_code(
    page: str, headings: list[str], files: list[str], calls: tuple[str, ...]
) -> None:
    explained = _words(row[0] for heading in headings for row in _rows(page, heading))
    names = [name for pattern in files for name in _files(pattern)]
    given = {text for text in _causes(names, calls) if re.fullmatch(r"[a-z][a-z_0-9]+", text)}
    assert given - {"none"} == explained


@pytest.mark.parametrize(
    ("page", "heading", "file", "function"),
    [
        ("wifi.md", "cause of Wi-Fi", "networking/wifi.py", "last_outcome"),
        ("lora.md", "cause", "networking/lora.py", "last_outcome"),
        ("lora.md", "result", "networking/lora.py", "send"),
    ],
)
def test_causes_of_a_docstring_are_those_of_the_page(
    page: str, heading: str, file: str, function: str
) -> None:
    explained = _words(row[0] for row in _rows(page, heading))
    text = _docstring(file, function)
    assert {word for word in explained if not re.search(rf"\b{word}\b", text)} == set()


def test_every_cause_of_nbiot_is_of_the_table_is_used_and_provoked_by_a_test() -> None:
    parts = ("attach", "outcome", "search", "service", "uart_line", "uart_rescue")
    files = ["networking/nbiot.py", *(f"networking/_nbiot_{part}.py" for part in parts)]
    source = "".join(_text(name) for name in files)
    used = {name.lower() for name in re.findall(r"\bcauses\.([A-Z0-9_]+)", source)}
    used |= {cause for cause in causes.explained() if f'"{cause}"' in source}  # loads none
    tests = "".join(_text(name) for name in _files("tests/networking/test_nbiot_*.py"))
    asserted = {cause for cause in causes.explained() if f'"{cause}"' in tests}
    assert used == asserted == set(causes.explained())
    beside = _causes(files, ("Failed", "ask"))
    assert not any(re.fullmatch(r"[a-z][a-z_0-9]+", text) for text in beside)


def test_causes_of_sensors_are_those_of_their_contract() -> None:
    contract = ast.get_docstring(_tree("sensors/__init__.py")) or ""
    [listed] = re.findall(r"^Causes: (.*?)\n\n", contract, re.S | re.M)
    assert set(re.findall(r'"(\w+)"', listed)) == _words(
        row[0] for row in _rows("sensors.md", "cause")
    )


# Configuration


def _known() -> set[str]:
    fields = {row[0] for rows in configuration.declared().values() for row in rows}
    return fields | {name for names in configuration.undeclared().values() for name in names}


@pytest.mark.parametrize("file", (REFERENCE, ROOT / "config.py", ROOT / EXAMPLE))
def test_config_sets_only_fields_that_a_component_reads(file: Path) -> None:
    assert set(configuration.commented(file)) <= _known()


def test_config_sets_every_field_without_a_default() -> None:
    required = {
        row[0] for rows in configuration.declared().values() for row in rows if len(row) < 4
    }
    assert required <= set(configuration.comments())


def test_every_setting_is_explained() -> None:
    assert [name for name, said in configuration.comments().items() if not said] == []


def _declarations() -> list[object]:
    return [
        pytest.param(component, row, id=f"{component}-{row[0]}")
        for component, rows in configuration.declared().items()
        for row in rows
    ]


@pytest.mark.parametrize(("component", "row"), _declarations())
def test_ranges_in_comments_and_pages_are_those_declared(
    component: str, row: tuple[Any, ...]
) -> None:
    name, kind, limits = row[:3]
    comment = configuration.comments().get(name, "")
    for said in re.findall(r"(\d+) to (\d+)", comment):
        assert tuple(map(int, said)) == limits
    if kind == "choice" and '"' in comment:
        assert set(re.findall(r'"(\w+)"', comment)) >= set(limits)
    page = f"{component.rpartition('.')[2]}.md"
    if component in ("node", "node_start"):  # they have no page
        return
    [cells] = [cells for cells in _all_rows(page, "field") if f"`{name}`" in cells[0]]
    text = " ".join(cells[1:])
    for said in re.findall(r"(\d+) to (\d+)", text):
        assert tuple(map(int, said)) == limits
    if kind == "choice" and '"' in cells[1]:
        assert set(re.findall(r'"(\w+)"', cells[1])) == set(limits)
    if len(row) < 4:
        assert "required" in text
    elif row[3] is not None:  # which a page may put into words
        assert str(row[3]) in text.replace('"', "")


def _all_rows(page: str, first_heading: str) -> Iterator[list[str]]:
    for table in re.split(r"\n(?=\| [^|\n]+ \|[^\n]*\n\|[-| ]+\n)", _text(f"docs/{page}")):
        if table.startswith(f"| {first_heading} |"):
            for line in table.split("\n\n")[0].splitlines()[2:]:
                yield _cells(line)


# Pages


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in re.findall(r"\]\(([^)#]+\.md)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                waiting.append((page.parent / target).resolve())
    assert {path.name for path in docs.files() if path not in reached} == set()


def test_readme_shows_a_program_first_and_figures_after_the_ways_of_use() -> None:
    text = _text("README.md")
    start = text.index("```python")
    end = text.index("```", start + 3)
    assert text[:end].count("\n") <= 25
    assert text.index("## Three ways to use it") < text.index("<!-- ")
