"""python -m devkit.collector: the UDP collector alone."""

import sys

from devkit.collector.standalone import main

if __name__ == "__main__":
    sys.exit(main())
