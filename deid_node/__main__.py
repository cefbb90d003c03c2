"""``python -m deid_node``: the same as the command ``deid-node``."""

import sys

from deid_node.cli import main

if __name__ == "__main__":
    sys.exit(main())
