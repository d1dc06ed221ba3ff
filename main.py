"""One cycle of the node after each start; node.py says what that is.

The firmware compiles this file at each start, node.py only if it was not compiled before.
"""

import node

node.cycle()
