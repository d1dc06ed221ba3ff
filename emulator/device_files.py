"""Which files of this project go on a device, and a folder of just these as a /flash."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CREDENTIALS = "credentials.py"  # of a deployment, which git ignores
EXAMPLE = "credentials_example.py"
# Source on a board: what the firmware runs, what must not be damaged byte code, and the secrets of
# one node
SCRIPTS = ("boot.py", "boot_trial.py", "main.py", "node_reset.py", CREDENTIALS)
# what stays in /flash, and never changes in the field, on a board that gets updates
FIXED = ("boot.py", "boot_trial.py", "main.py")
# of the application, beside its scripts
MODULES = (
    "config.py", "node.py", "node_check.py", "node_send.py", "node_start.py", "node_update.py",
)  # fmt: skip
FOLDERS = ("networking", "ota", "protocols", "sensors", "utils", "lib")


_config = ROOT / "config.py"  # the file that boards get as config.py


@contextlib.contextmanager
def configured(config: Path) -> Iterator[None]:
    """Let this file stand for config.py of this project, and credentials.py beside it for its
    credentials.py."""
    global _config
    before, _config = _config, config
    try:
        yield
    finally:
        _config = before


def config_file(root: Path = ROOT) -> Path:
    """The file that boards get as config.py."""
    return _config if root == ROOT else root / "config.py"


def credentials_file(root: Path = ROOT) -> Path | None:
    """What belongs on a board as credentials.py: the file beside the configuration, if any."""
    file = config_file(root).with_name(CREDENTIALS)
    return file if file.is_file() else None


def source(path: Path, root: Path = ROOT) -> Path:
    """Where the text of a device file is."""
    return config_file(root) if path == Path("config.py") else root / path


def device_files(root: Path = ROOT) -> list[Path]:
    """Paths of all device files of the project relative to `root`, sorted; no credentials.py."""
    names = [name for name in SCRIPTS + MODULES if name != CREDENTIALS]
    found = [Path(name) for name in names if (root / name).is_file()]
    for folder in FOLDERS:
        found += [path.relative_to(root) for path in (root / folder).rglob("*.py")]
    return sorted(found)


def copy_device_files(target: Path, root: Path = ROOT) -> None:
    """Make `target` the /flash of an emulated board: the device files and the packages they
    import, as they are, and the credentials."""
    files = flash_files(root)
    for folder in {path.parent for path in files}:
        (target / folder).mkdir(parents=True, exist_ok=True)
    for path, source in files.items():
        shutil.copyfile(source, f"{target}/{path}")


def flash_files(root: Path = ROOT) -> dict[Path, Path]:
    """Path on an emulated board -> file here: the device files, in lib/ the modules of packages,
    and the credentials. The emulated networks accept those of the example, which are taken if
    there are no others."""
    folder = packages_folder()
    packages = {Path("lib") / path.relative_to(folder): path for path in folder.rglob("*.py")}
    files = {path: source(path, root) for path in device_files(root)} | packages
    credentials = credentials_file(root) or root / EXAMPLE
    return files | ({Path(CREDENTIALS): credentials} if credentials.is_file() else {})


def packages_folder() -> Path:
    """Where packages from PyPI that device files import are, put there by those who install them.
    A board without them lacks their modules."""
    return Path(sys.prefix) / "device-packages"
