"""`python -m devkit`, the same as `./dev` once the packages of requirements.lock are installed."""

import sys

from devkit.cli import main

sys.exit(main())
