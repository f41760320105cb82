"""``python -m tck``."""

import sys

from tck.cli import main

sys.exit(main())
