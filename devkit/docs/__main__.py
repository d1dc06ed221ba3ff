"""`python -m devkit.docs`."""

import sys

from devkit.docs import main

sys.exit(main())
