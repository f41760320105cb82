"""Each package has a tox environment of its own; elsewhere its tests are not collected."""

from importlib.util import find_spec

collect_ignore = (
    []
    if any(find_spec(package) for package in ("neo4j_agent_memory", "memora"))
    else ["test_findings.py"]
)
