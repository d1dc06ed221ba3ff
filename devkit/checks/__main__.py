"""`python -m devkit.checks [NAME [FILE ...]]`: see devkit/checks/__init__.py."""

from __future__ import annotations

import sys

from devkit import checks
from devkit.checks import commit_subject, sources


def main(arguments: list[str]) -> int:
    name, files = (arguments[0], arguments[1:]) if arguments else ("", [])
    if name == "commit-subject" and len(files) == 1:
        problems = commit_subject.problems(sources.ROOT, files)
    elif not name:
        problems = checks.run_all()
    elif name in checks.CHECKS:
        problems = checks.run(name, names=files or None)
    else:
        allowed = ", ".join([*checks.CHECKS, "commit-subject MESSAGEFILE"])
        print(f"no check {' '.join(arguments)!r}; allowed: {allowed}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
