"""Minutes of fuzzing of `llm.tolerant_json`: property tests, then coverage-guided.

    tox -e fuzz [-- SEED]

The seed is printed; the same one makes the same texts again.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys

PROPERTIES = "tests/test_tolerant_json_properties.py"
GUIDED = "tests/fuzz_tolerant_json.py"
SECONDS = 120


def main() -> int:
    """Run both, and return the first exit status that is not 0."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(2**31)
    print(f"seed: {seed}", flush=True)
    environment = os.environ | {"HYPOTHESIS_PROFILE": "deep"}
    for command in (
        ["-m", "pytest", "-n", "auto", f"--hypothesis-seed={seed}", PROPERTIES],
        [GUIDED, f"-seed={seed}", f"-max_total_time={SECONDS}", "-print_final_stats=1"],
    ):
        status = subprocess.run([sys.executable, *command], env=environment, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
