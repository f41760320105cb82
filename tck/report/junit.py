"""The report as JUnit XML, for build servers."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tck.grading import Outcome, Result
from tck.report.json import digest, document
from tck.report.model import AdapterReport, Report
from tck.report.texts import fit_for_xml, shortened


def to_junit(report: Report) -> str:
    """The report as the text of a JUnit XML file.

    A MUST that failed is a failure. One that is not verified, and every fault of the kit, is an
    error. A SHOULD is neither: where it is not met it is skipped, with its advice.
    """
    root = ET.Element("testsuites", name="llm-provider-tck", time=f"{report.seconds:.3f}")
    said = digest(document(report))
    for adapter in report.adapters:
        root.append(_suite(report, adapter, said))
    for kind in ("tests", "failures", "errors", "skipped"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ("<?xml version='1.0' encoding='utf-8'?>\n", "\n")
    )


def _suite(report: Report, adapter: AdapterReport, digest: str) -> ET.Element:
    grade = "no grade for a part" if adapter.partial else adapter.grade
    suite = ET.Element("testsuite", name=fit_for_xml(f"{adapter.name}: {grade}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("grade", adapter.grade),
        ("partial", str(adapter.partial).lower()),
        ("catalogue", report.catalogue),
        ("kit", report.version),
        ("digest", digest),
        ("target", adapter.target),
        ("contacted", ", ".join(adapter.contacted)),
    ):
        ET.SubElement(properties, "property", name=name, value=fit_for_xml(value))
    for result in adapter.shown:
        suite.append(_case(adapter, result))
    if adapter.contacted:
        suite.append(_contact(adapter))
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    took = sum(adapter.seconds.get(result.requirement.id, 0.0) for result in adapter.shown)
    suite.set("time", f"{took:.3f}")
    return suite


def _case(adapter: AdapterReport, result: Result) -> ET.Element:
    requirement = result.requirement
    case = ET.Element(
        "testcase",
        classname=fit_for_xml(adapter.name),
        name=f"{requirement.id} {requirement.title}",
        time=f"{adapter.seconds.get(requirement.id, 0.0):.3f}",
    )
    must = requirement.level == "must"
    if result.outcome is Outcome.NOT_APPLICABLE:
        ET.SubElement(case, "skipped", message=fit_for_xml(f"not applicable: {result.reason}"))
    elif result.outcome is Outcome.EXEMPT:
        ET.SubElement(case, "system-out").text = fit_for_xml(f"exempt: {result.reason}")
    elif result.kit_fault:
        _unmet(case, "error", "fault of the kit", result)
    elif result.outcome is Outcome.FAILED:
        _unmet(case, "failure" if must else "skipped", "" if must else "advice", result)
    elif result.outcome is Outcome.NOT_VERIFIED:
        _unmet(case, "error" if must else "skipped", "not verified", result)
    return case


def _contact(adapter: AdapterReport) -> ET.Element:
    """What withholds the grade although no requirement says so."""
    name = "no host but loopback is contacted"
    case = ET.Element("testcase", classname=fit_for_xml(adapter.name), name=name, time="0.000")
    hosts = ", ".join(adapter.contacted)
    message = fit_for_xml(shortened(f"{hosts} was tried while no check ran"))
    ET.SubElement(case, "failure", message=message, type="network")
    return case


def _unmet(case: ET.Element, tag: str, what: str, result: Result) -> None:
    found = result.finding
    seen = f"expected {found.expected}; seen {found.seen}" if found else result.detail
    message = fit_for_xml(shortened(f"{what}: {seen}" if what else seen))
    element = ET.SubElement(case, tag, message=message)
    if found and tag != "skipped":
        element.set("type", fit_for_xml(found.cause))
    lines = [f"{result.requirement.level.upper()}: {result.requirement.text}", result.detail]
    if found and found.place:
        lines.append(f"at: {found.place}")
    if found and found.trace:
        lines.append(found.trace)
    element.text = fit_for_xml("\n".join(lines))
