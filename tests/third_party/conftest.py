"""Where no package of somebody's is installed, its tests are not collected."""

from tests.third_party import DESCRIBED

collect_ignore = [] if DESCRIBED else ["test_findings.py"]
