"""`python -m devkit`, the same as `./dev` once the packages are installed."""

import sys

from devkit.cli import main

sys.exit(main())
