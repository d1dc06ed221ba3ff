"""Packages from PyPI, installed when they are first needed, pinned by hash.

    requirements.need("plot")     # then `import matplotlib` works

requirements.in    groups of packages for the computer, and why; requirements.lock pins them
device.lock        packages for boards
micropython.lock   the compiler for boards with a current MicroPython

Groups go into .venv (groups.py), which `dev` makes (venv.py); all else goes into folders inside
it (folder.py). This package uses the standard library only: it runs before .venv is there.
"""

from __future__ import annotations

from devkit.requirements.folder import installed
from devkit.requirements.groups import GROUPS, need
from devkit.requirements.report import NotInstalled
from devkit.requirements.venv import enter

__all__ = ["GROUPS", "NotInstalled", "enter", "installed", "need"]
