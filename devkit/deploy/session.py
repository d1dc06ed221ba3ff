"""One run of `./dev deploy`: from the options to the lines that say what was done."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from devkit import configuration
from devkit.build.folder import build
from devkit.build.targets import TARGETS
from devkit.deploy import plan as planning
from devkit.deploy import slots
from devkit.deploy import source as sources
from devkit.deploy.plan import Board, Plan
from devkit.deploy.progress import Progress, harmless
from devkit.deploy.repl import BoardError, DeployError, NoPort, Repl
from devkit.deploy.source import Source
from devkit.deploy.transfer import Transfer
from devkit.release import keys as key_folder
from devkit.release import provision
from devkit.release.keys import KeyTrouble
from devkit.release.provision import Provision
from devkit.release.store import StoreTrouble

OUT = "dist"


def run(options: argparse.Namespace) -> int:
    """The exit status of `./dev deploy` with these options. Raises NoPort."""
    repl = Repl(options.port, wait_s=options.wait)
    progress = Progress()
    try:
        _check_keys(options)
        source = _source(options)
        repl.connect()
        try:
            _deploy(source, repl, options, progress)
        finally:
            progress.clear()
            repl.restart()
            repl.close()
    except NoPort:
        raise  # a mistake of the person, not of the board
    except BoardError as problem:
        return _failed(_hint(problem))
    except (DeployError, OSError) as problem:
        return _failed(str(problem))
    return 0


def _check_keys(options: argparse.Namespace) -> None:
    """DeployError for a folder that is none of ./dev keys, before the board is looked for."""
    if options.keys is not None:
        try:
            key_folder.check_private(Path(options.keys))
        except KeyTrouble as problem:
            raise DeployError(str(problem)) from problem
        if warning := key_folder.exposed(Path(options.keys)):
            _say(warning)


def _source(options: argparse.Namespace) -> Source:
    if options.source is not None:
        source = sources.load(Path(options.source))
        return source if options.config is None else sources.configured(source)
    target = TARGETS[options.target]
    folder = Path(OUT) / target.name
    try:
        build(target, folder)
    except ValueError as problem:
        raise DeployError(f"the build failed: {problem}") from problem
    return sources.load(folder)


def _deploy(source: Source, repl: Repl, options: argparse.Namespace, progress: Progress) -> None:
    board = repl.steadily(planning.board, repl)
    print(
        harmless(f"{board.name}, {board.release}, {board.root or '/'} on {repl.port}"), flush=True
    )
    planning.check_target(source, board)
    if options.keys is not None:
        _provision(source, repl, board, options, progress)
        return
    slots.refuse(board)
    plan = _put(source, repl, board, options, progress)
    print(sums(plan, options.dry_run, 0))


def _provision(
    source: Source, repl: Repl, board: Board, options: argparse.Namespace, progress: Progress
) -> None:
    """Put a release into a slot of the board."""
    repl.steadily(repl.extend, slots.AGENT)
    node = _node(repl, board, options)
    erased = slots.erased(repl, board, options.convert)
    slot = slots.free_slot(board)
    given = _given(options, node, slot)
    source = sources.with_slot(source, given.files)
    would = "would run" if options.dry_run else "runs"
    runs = harmless(f"node {node} {would} release {given.seq} from slot {slot}")
    if erased and options.dry_run:
        print(f"would be formatted with {slots.LITTLEFS}, which erases {erased}")
        print(f"{len(source.files)} files would be written", runs, sep="\n")
        return
    if erased:  # only now: nothing else can be missing or refused
        _say(f"warning: formatting with {slots.LITTLEFS} erases {erased}")
        board = slots.littlefs(repl, lambda: planning.board(repl))
    plan = _put(source, repl, board, options, progress)
    if options.dry_run:
        old, roots = repl.steadily(slots.leftovers, repl, board, slot, given)
        removed = [pair for pair in (old | roots).items() if pair[0] not in plan.hiding]
    else:
        removed = repl.steadily(slots.switch, repl, board, slot, given)
    for path, why in removed:
        print(harmless(f"{'would be ' * options.dry_run}removed  {path}  {why}"))
    print(sums(plan, options.dry_run, len(removed)))
    print(runs)


def _given(options: argparse.Namespace, node: str, slot: str) -> Provision:
    """What the node gets. It has a device key from now on, unless this is a rehearsal."""
    releases, keys = Path(options.releases or "releases"), Path(options.keys)
    try:
        if options.dry_run:
            if not provision.has_key(keys, node):
                print(f"would make the device key of node {node}, in {keys} and {releases}")
                return provision.for_new_node(releases, keys, slot)
        elif provision.node_key(releases, keys, node):
            print(f"made the device key of node {node}, in {keys} and {releases}")
        return provision.of_release(releases, keys, node, slot)
    except (KeyTrouble, StoreTrouble) as problem:
        raise DeployError(str(problem)) from problem


def _node(repl: Repl, board: Board, options: argparse.Namespace) -> str:
    """The name of this node in its reports, of the configuration that it will have.

    DeployError if no key can have this name, or if --node is another one: the collector looks for
    the device key under it.
    """
    has_config = {"config.py", "config.mpy"} & set(repl.call("names", board.root))
    stays = has_config and not options.replace_config and board.filesystem == slots.LITTLEFS
    name = repl.call("device_name") if stays else configuration.fields().get("_DEVICE_NAME")
    found = str(name or provision.name_of(bytes.fromhex(board.unique)))
    if not key_folder.is_node(found):
        raise DeployError(
            f"_DEVICE_NAME = {found!r}; allowed for updates: {key_folder.NODE_ALLOWED}"
        )
    if options.node not in (None, found):
        whence = "_DEVICE_NAME" if name else "its id, without _DEVICE_NAME"
        raise DeployError(
            f"--node {options.node}, but the node reports as {found} ({whence}); allowed:"
            f" --node {found}, or a configuration with _DEVICE_NAME = {options.node!r}"
        )
    return found


def _put(
    source: Source, repl: Repl, board: Board, options: argparse.Namespace, progress: Progress
) -> Plan:
    def looked(count: int, path: str) -> None:
        progress.show(count, len(source.files), f"compare {path}")

    plan = repl.steadily(planning.make, source, repl, board, options.replace_config, looked)
    progress.clear()
    for line in warnings(source, board, plan):
        _say(line)
    if options.dry_run:
        # It is said now if the flash is too small.
        planning.check_space(plan, repl.steadily(repl.call, "space", board.root), 0)
    else:
        _transfer(repl, board, plan, progress)
    for line in report(plan, options.dry_run):
        print(harmless(line))
    return plan


def _transfer(repl: Repl, board: Board, plan: Plan, progress: Progress) -> None:
    total = sum(
        len(file.data) for file in plan.written if planning.temporary(file) not in plan.ready
    )

    def note(line: str) -> None:
        progress.clear()
        _say(line)

    try:
        Transfer(
            repl, board, plan, lambda count, path: progress.show(count, total, path), note
        ).run()
    finally:
        progress.clear()


def report(plan: Plan, is_dry: bool) -> list[str]:
    """What was done, or would be; a line a file."""
    would = "would be " if is_dry else ""
    lines = [(f"{would}restored", path, "") for path in plan.restored.values()]
    lines += [(f"{would}removed", path, "left by an interrupted deploy") for path in plan.dropped]
    kinds = {file.path: "new" for file in plan.new}
    kinds |= {file.path: "changed" for file in plan.changed}
    lines += [
        (f"{would}{kinds[file.path]}", file.path, f"{len(file.data)} bytes")
        for file in plan.written
    ]
    lines += [(f"{would}removed", old, f"it would hide {new}") for old, new in plan.hiding.items()]
    lines += [
        ("kept", file.path, "the board's own; --replace-config replaces it") for file in plan.kept
    ]
    width = max((len(line[0]) for line in lines), default=0)
    names = max((len(line[1]) for line in lines), default=0)
    return [f"{what:<{width}}  {path:<{names}}  {why}".rstrip() for what, path, why in lines]


def sums(plan: Plan, is_dry: bool, removed: int) -> str:
    """removed: files beside those of the plan."""
    would = "would be " if is_dry else ""
    counts = [
        f"{len(plan.written)} {would}written",
        f"{len(plan.unchanged)} unchanged",
        f"{len(plan.kept)} kept",
        f"{len(plan.hiding) + len(plan.dropped) + removed} {would}removed",
    ]
    return f"{len(plan.order)} files: {', '.join(counts)}"


def warnings(source: Source, board: Board, plan: Plan) -> list[str]:
    lines = [
        f"warning: the board's folder {folder} hides {path}"
        for folder, path in plan.shadowing.items()
    ]
    release = (source.target or "").removeprefix("pycom-")
    if board.is_pycom and release != source.target and not board.release.startswith(release):
        lines.append(f"warning: built for firmware {release}, the board has {board.release}")
    return lines


def _hint(problem: BoardError) -> str:
    if "hash" in problem.text:
        # Pycom's hashing unit stays taken by a hash that the interrupted program left open.
        return f"{problem}: the interrupted program left it open; reset the board, then again"
    return str(problem)


def _failed(message: str) -> int:
    _say("; ".join(message.splitlines()))
    return 1


def _say(line: str) -> None:
    print(f"./dev deploy: {harmless(line)}", file=sys.stderr)
