"""Before anything is published its owner reads all that can tell the machine or the owner from others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suite.record import MissingMeter, Result
from suite.submit.public import MOST_SENTENCES, names_here, public_lines

NOWHERE = {"your user name": "xavier"}


def says(result: Result, *details: str) -> Result:
    """The result with these as its only sentences."""
    missing = tuple(MissingMeter(code="rapl_absent", reason=detail, cure="none") for detail in details)
    meters = tuple(_without_note(meter) for meter in result.meters)
    cells = tuple(
        cell.model_copy(update={"attempts": tuple(_silent(one) for one in cell.attempts)}) for cell in result.cells
    )
    idle = tuple(one.model_copy(update={"events": ()}) for one in result.idle)
    changed = {"missing_meters": missing, "meters": meters, "cells": cells, "idle": idle}
    return result.model_copy(update=changed)


def _without_note(meter: Any) -> Any:
    return replace(meter, note=None)


def _silent(attempt: Any) -> Any:
    return attempt.model_copy(update={"detail": None, "notes": (), "events": ()})


def test_every_fact_about_the_machine_is_shown(true_result: Result) -> None:
    told = "\n".join(public_lines(true_result, NOWHERE))
    system, software = true_result.system, true_result.software
    facts = [system.name, system.cpu, str(system.logical_cores), *(one.name for one in system.accelerators)]
    facts += [software.joulemark, software.python, software.system, software.commit or "", true_result.date]
    facts += [*software.packages.values(), *software.drivers.values(), *(one.source for one in true_result.meters)]
    facts += [one.code for one in true_result.missing_meters]
    assert [fact for fact in facts if fact not in told] == []


def test_what_a_file_does_not_say_is_not_shown(true_result: Result) -> None:
    system = true_result.system.model_copy(update={"accelerators": (), "governor": None, "virtual": None})
    software = true_result.software.model_copy(update={"drivers": {}, "commit": None})
    bare = true_result.model_copy(update={"system": system, "software": software})
    told = "\n".join(public_lines(bare, NOWHERE))
    for word in ("accelerators", "governor", "virtual", "drivers"):
        assert word not in told
    assert "commit unknown" in told


def test_the_code_that_ran_is_shown_by_the_first_digits_of_its_hash(true_result: Result) -> None:
    software = true_result.software.model_copy(update={"code_sha256": "0123456789abcdef" * 4})
    told = "\n".join(public_lines(true_result.model_copy(update={"software": software}), NOWHERE))
    assert f"commit {software.commit}, code 0123456789ab;" in told
    assert "code " not in "\n".join(public_lines(true_result, NOWHERE))


def test_every_sentence_is_shown_once_and_many_are_counted(true_result: Result) -> None:
    lines = public_lines(says(true_result, "one", "two", "one"), NOWHERE)
    assert [line.split()[1:] for line in lines if line.startswith("  says")] == [["one"], ["two"]]
    many = public_lines(says(true_result, *(f"sentence {number}" for number in range(MOST_SENTENCES + 3))), NOWHERE)
    assert sum(line.startswith("  says") for line in many) == MOST_SENTENCES + 1
    assert any("3 sentences more" in line for line in many)


@pytest.mark.parametrize(
    ("sentence", "what"),
    [
        ("no file /srv/Xavier/model", "your user name"),
        ("ask xavier.", "your user name"),
        ("ask a.person@example.org", "an e-mail address"),
        ("no answer from 192.168.1.20", "a network address"),
        ("no answer from 0a:1b:2c:3d:4e:5f", "a network address"),
        ("cannot open /home/somebody/.cache", "a home folder"),
        ("cannot open /Users/somebody", "a home folder"),
        ("lost GPU-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", "a serial number"),
    ],
)
def test_what_names_somebody_is_named_with_its_place(true_result: Result, sentence: str, what: str) -> None:
    lines = public_lines(says(true_result, "harmless", sentence), NOWHERE)
    assert f"  {what} at /missing_meters/1/reason" in lines
    assert not any("none is in it" in line for line in lines)


@pytest.mark.parametrize(
    "sentence", ["xavierian", "prexavier", "driver 550.54.14", "needs root", "see /sys/class/powercap"]
)
def test_what_names_nobody_raises_no_alarm(true_result: Result, sentence: str) -> None:
    lines = public_lines(says(true_result, sentence), {**NOWHERE, "the name of this host": "root"})
    assert "none is in it" in lines[-1]


def test_a_name_is_found_wherever_it_stands(true_result: Result) -> None:
    system = true_result.system.model_copy(update={"name": "xavier's machine"})
    lines = public_lines(true_result.model_copy(update={"system": system}), NOWHERE)
    assert "  your user name at /system/name" in lines


def test_this_user_and_host_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setenv("HOME", "/home/somebody")
    found = names_here()
    assert found["your user name"] == "somebody"
    assert found["your home folder"] == "/home/somebody"
    assert found["the name of this host"]
