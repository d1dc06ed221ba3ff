"""Small device trees for tests of the build."""

from __future__ import annotations

import textwrap
from pathlib import Path

PYPROJECT = '[project]\nname = "nodes"\nversion = "2.3.4"\n'
FILES = {
    "main.py": """
        import config
        import sensors
        from utils import plugins
        bearer = plugins.find("networking", config._BEARER, ("up",))
    """,
    "config.py": """
        _BEARER = "radio"
        _SENSORS = (("warmth", {"pin": "P9"}),)
    """,
    "networking/__init__.py": "",
    "networking/radio.py": """
        import machine
        from networking import _dialogue
        from utils import at

        def receive():
            import listening  # on demand
    """,
    "networking/_dialogue.py": "from utils import timing\n",
    "networking/other.py": "",
    "sensors/__init__.py": "from utils import plugins\n",
    "sensors/warmth.py": "from sensors import IO_PINS\n",
    "sensors/cold.py": "",
    "utils/__init__.py": "",
    "utils/at.py": "def parse():\n    from utils import timing\n",
    "utils/timing.py": "import utime\n",
    "utils/plugins.py": "",
    "lib/listening.py": "import ubinascii\n",
}


def plant(root: Path, files: dict[str, str] | None = None) -> Path:
    """Write the tree to `root`, with these files more or changed."""
    for name, text in {**FILES, **(files or {}), "pyproject.toml": PYPROJECT}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root
