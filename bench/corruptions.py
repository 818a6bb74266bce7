"""True results made false, by families: what a cheat changes, and the rules that must say so.

A naive cheat edits the file and leaves the rest as it was, its id too. One who has read the rules names the file anew,
so that nothing tells that it was changed. A careful one computes the joules again as well, so that the file holds
together, and only what is impossible about it is left. tests/unit/check and bench/check.py run them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sealing import packed, resealed

from suite.energy import boundaries, window_energy
from suite.identity import sealed
from suite.record import Result, dumps

Document = dict[str, Any]
Change = Callable[[Document, random.Random], bool | None]
"""Changes a document in place; False where there is nothing to change in it."""

PHYSICS = frozenset(
    {
        *("flops-over-peak", "bytes-over-bandwidth", "pj-per-flop", "power-over-limit", "power-under-idle"),
        *("memory-over-capacity", "rate-over-calibration", "energy-under-calibration"),
    }
)
JOULES = frozenset({"energy", "energy-bounds"})
LABEL = frozenset({"energy-label"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of lie. `rules` are those any of which is the right one; `careful`: the joules are computed again."""

    name: str
    change: Change
    rules: frozenset[str]
    careful: bool = False
    cheat: bool = True  # it would gain something; the others are accidents


def corrupted(result: Result, family: Family, source: random.Random, *, named_anew: bool = True) -> bytes | None:
    """The file with this lie in it; None where this result offers nothing to lie about.

    With `named_anew` under the id of its content, as a careful cheat's always is; without, under that of the true file.
    """
    document: Document = json.loads(dumps(result))
    if family.change(document, source) is False:
        return None
    if family.careful:
        return dumps(sealed(recomputed(Result.model_validate_json(packed(document)))))
    return packed(resealed(document, result.id) if named_anew else document)


def recomputed(result: Result) -> Result:
    """The result with the joules that its traces give."""
    cells = []
    for cell in result.cells:
        attempts = []
        for one in cell.attempts:
            energies = tuple(
                tuple(
                    window_energy(result.meters, one.ticks, w, edge, one.events) for edge in boundaries(result.meters)
                )
                for w in one.windows
            )
            attempts.append(one.model_copy(update={"energies": energies}))
        cells.append(cell.model_copy(update={"attempts": tuple(attempts)}))
    return result.model_copy(update={"cells": tuple(cells)})


def attempts(document: Document, *, metered: bool = True) -> list[Any]:
    """The models' attempts that went well, with joules if there must be any."""
    found = [
        attempt
        for cell in document["cells"]
        if cell["cell"]["workload"] != "calib"
        for attempt in cell["attempts"]
        if attempt["outcome"] == "ok" and len(attempt["windows"]) > 1
    ]
    return [one for one in found if one["energies"][0][0]["joules"]] if metered else found


def picked(document: Document, source: random.Random, *, metered: bool = True) -> Any:
    found = attempts(document, metered=metered)
    return source.choice(found) if found else None


def on_attempt(change: Callable[[Any, random.Random], bool | None], *, metered: bool = True) -> Change:
    def changed(document: Document, source: random.Random) -> bool | None:
        attempt = picked(document, source, metered=metered)
        return False if attempt is None else change(attempt, source)

    return changed


def _joules(*factors: float) -> Change:
    def change(attempt: Any, source: random.Random) -> None:
        factor = source.choice(factors)
        for energies in attempt["energies"]:
            for energy in energies:
                energy["joules"] = energy["joules"] and energy["joules"] * factor

    return on_attempt(change)


def _trace(*factors: float) -> Change:
    def change(attempt: Any, source: random.Random) -> None:
        factor = source.choice(factors)
        for series in attempt["ticks"]:
            series["energy_uj"] = [round(factor * value) for value in series["energy_uj"]]

    return on_attempt(change)


def _drop_every_second(attempt: Any, _: random.Random) -> None:
    for series in attempt["ticks"]:
        for name in ("at_ns", "energy_uj"):
            series[name] = series[name][::2]


def _drop_around_edges(attempt: Any, source: random.Random) -> None:
    """What was read from three seconds before a window's end to one after it."""
    end_ns = source.choice(attempt["windows"])["end_ns"]
    for series in attempt["ticks"]:
        kept = [n for n, at in enumerate(series["at_ns"]) if not end_ns - 3 * 10**9 < at < end_ns + 10**9]
        for name in ("at_ns", "energy_uj"):
            series[name] = [series[name][n] for n in kept]


def _swap_device(document: Document, _: random.Random) -> bool | None:
    system = document["system"]
    if document["backend"] == "simulated" or system["virtual"]:
        return False
    if system["accelerators"]:
        name = system["accelerators"][0]["name"]
        system["accelerators"][0]["name"] = "TPU v2" if "TPU" in name else "NVIDIA A2" if "L4" in name else "Tesla T4"
    else:
        system["cpu"] = "Intel Core i7-7700K" if system["physical_cores"] < 32 else "Intel Xeon E5-2690 v4"
    return None


def _throughput(attempt: Any, source: random.Random) -> None:
    factor = source.choice((20, 50, 100, 1000))
    for window in attempt["windows"]:
        window["units"] *= factor


def _all_throughput(document: Document, source: random.Random) -> bool | None:
    if document["backend"] == "simulated":
        return False
    return on_attempt(_throughput, metered=False)(document, source)


def _stretch(attempt: Any, source: random.Random) -> None:
    window = attempt["windows"][-1]
    window["end_ns"] -= round((window["end_ns"] - window["start_ns"]) * source.uniform(0.1, 0.5))


def _lengthen(attempt: Any, source: random.Random) -> None:
    window = attempt["windows"][0]
    window["start_ns"] -= round((window["end_ns"] - window["start_ns"]) * source.uniform(0.1, 0.3))


def _squeeze(document: Document, source: random.Random) -> bool | None:
    """All windows of an attempt end after a twentieth: as much work in less time and energy."""
    attempt = picked(document, source)
    for window in attempt["windows"] if attempt else ():
        window["end_ns"] = window["start_ns"] + (window["end_ns"] - window["start_ns"]) // 20
    return None if attempt else False


def _double_attempt(document: Document, source: random.Random) -> bool | None:
    cells = [one for one in document["cells"] if one["attempts"][-1]["outcome"] == "ok"]
    cell = source.choice(cells)
    cell["attempts"].append(json.loads(json.dumps(cell["attempts"][-1])))
    return None if cell["attempts"][-1]["ticks"] else False


def _double_cell(document: Document, source: random.Random) -> None:
    document["cells"].append(source.choice(document["cells"]))


def _replay(document: Document, source: random.Random) -> bool | None:
    """The trace and the windows of one attempt, a little later, as those of another."""
    found = attempts(document)
    if len(found) < 2:
        return False
    one, other = source.sample(found, 2)
    later_ns = source.randrange(10**6, 10**8)
    other["ticks"] = [
        {**series, "at_ns": [at + later_ns for at in series["at_ns"]]}
        for series in json.loads(json.dumps(one["ticks"]))
    ]
    other["windows"] = [
        {"start_ns": w["start_ns"] + later_ns, "end_ns": w["end_ns"] + later_ns, "units": w["units"]}
        for w in one["windows"]
    ]
    other["energies"] = one["energies"]
    return None


def _as_good(document: Document, _: random.Random) -> bool | None:
    failed = [a for c in document["cells"] for a in c["attempts"] if a["outcome"] == "quality"]
    for attempt in failed:
        attempt["outcome"] = "ok"
    return None if failed else False


def _quality(attempt: Any, source: random.Random) -> None:
    quality = attempt["quality"]
    quality["value"] = source.choice((quality["low"] - 1.0, quality["high"] * 2 + 1.0))


def _band(attempt: Any, _: random.Random) -> None:
    quality = attempt["quality"]
    quality["value"] = quality["high"] * 2 + 1.0
    quality["high"] = quality["value"] + 1.0


def _audit(attempt: Any, source: random.Random) -> bool | None:
    if not attempt["audits"]:
        return False
    source.choice(attempt["audits"]).update(value=1e6, high=2e6)
    return None


def _hide_events(attempt: Any, _: random.Random) -> bool | None:
    codes = {event["code"] for event in attempt["events"]}
    told = {reason for energies in attempt["energies"] for energy in energies for reason in energy["reasons"]}
    attempt["events"] = []
    return None if codes & told else False


def _energies(**update: Any) -> Change:
    def change(attempt: Any, _: random.Random) -> bool | None:
        before = json.dumps(attempt["energies"])
        for energies in attempt["energies"]:
            for energy in energies:
                energy.update(update)
        return None if json.dumps(attempt["energies"]) != before else False

    return on_attempt(change)


def _swap_energies(attempt: Any, _: random.Random) -> None:
    attempt["energies"] = attempt["energies"][1:] + attempt["energies"][:1]


def _work(name: str, factor: float) -> Change:
    def change(document: Document, source: random.Random) -> bool | None:
        work = source.choice(document["cells"])["work"]
        before, work[name] = work[name], type(work[name])(work[name] * factor)
        return None if work[name] != before else False

    return change


def _cell(**update: Any) -> Change:
    return lambda document, source: source.choice(document["cells"])["cell"].update(update)


def _idle(factor: float) -> Change:
    def change(document: Document, _: random.Random) -> bool | None:
        measured = any(one["method"] in ("counter", "integrated") for one in document["meters"])
        for idle in document["idle"]:
            for series in idle["ticks"]:
                series["energy_uj"] = [round(factor * value) for value in series["energy_uj"]]
        return None if measured else False

    return change


def _jump(attempt: Any, _: random.Random) -> None:
    """A wrap that never was: 2^32 counts of 61 uJ, in the middle of a window."""
    window = attempt["windows"][0]
    middle_ns = (window["start_ns"] + window["end_ns"]) // 2
    for series in attempt["ticks"]:
        pairs = zip(series["at_ns"], series["energy_uj"], strict=True)
        series["energy_uj"] = [energy + (at > middle_ns) * 61 * 2**32 for at, energy in pairs]


def _measured(document: Document) -> bool:
    return any(one["method"] in ("counter", "integrated") and not one["check"] for one in document["meters"])


def _where(holds: Callable[[Document], bool], change: Change) -> Change:
    return lambda document, source: change(document, source) if holds(document) else False


def _reversed(attempt: Any, _: random.Random) -> None:
    for series in attempt["ticks"]:
        series["at_ns"].reverse()


def _no_memory_counter(document: Document, _: random.Random) -> bool | None:
    index = next((n for n, one in enumerate(document["meters"]) if one["domain"].startswith("dram")), None)
    if index is None or not attempts(document):
        return False
    for cell in document["cells"]:
        for attempt in cell["attempts"]:
            attempt["ticks"] = [series for series in attempt["ticks"] if series["meter"] != index]
    return None


def _peak(attempt: Any, _: random.Random) -> None:
    attempt["peak_memory_bytes"] = 2**45


def _date(day: str) -> Change:
    return lambda document, _: document.update(date=day)


FAMILIES: tuple[Family, ...] = (
    Family(name="units off by 1000", change=_joules(1e-3, 1e3), rules=JOULES),
    Family(name="joules edited", change=_joules(0.5, 0.8, 0.9), rules=JOULES),
    Family(name="trace scaled", change=_trace(0.3, 0.5, 0.9), rules=JOULES),
    Family(
        name="trace off by 1000, joules made to fit", change=_where(_measured, _trace(1e-3, 1e3)), rules=PHYSICS,
        careful=True,
    ),
    Family(name="samples dropped around a window's end", change=on_attempt(_drop_around_edges), rules=JOULES),
    Family(name="every second sample dropped", change=on_attempt(_drop_every_second), rules=JOULES),
    Family(
        name="device swapped", change=_swap_device, rules=PHYSICS | {"name-device", "date", "cores-over"},
    ),
    Family(name="throughput edited", change=_all_throughput, rules=PHYSICS),
    Family(name="window shortened", change=on_attempt(_stretch), rules=JOULES),
    Family(name="window stretched", change=on_attempt(_lengthen), rules=JOULES | {"stage-overlap"}),
    Family(
        name="windows of a twentieth, joules made to fit", change=_where(_measured, _squeeze), rules=PHYSICS,
        careful=True,
    ),
    Family(name="attempt doubled", change=_double_attempt, rules=frozenset({"replayed", "window-twice"})),
    Family(name="cell doubled", change=_double_cell, rules=frozenset({"cell-twice"})),
    Family(name="trace replayed later", change=_replay, rules=frozenset({"replayed"})),
    Family(name="a failed quality called good", change=_as_good, rules=frozenset({"quality", "outcome"})),
    Family(
        name="quality beyond its band", change=on_attempt(_quality, metered=False), rules=frozenset({"quality"}),
        cheat=False,
    ),
    Family(
        name="quality band widened", change=on_attempt(_band, metered=False), rules=frozenset({"quality-band"}),
    ),
    Family(
        name="audit forged", change=on_attempt(_audit, metered=False), rules=frozenset({"audit-limit"}),
    ),
    Family(name="events hidden", change=on_attempt(_hide_events), rules=LABEL),
    Family(name="reasons hidden", change=_energies(reasons=[]), rules=LABEL),
    Family(name="class raised", change=_energies(meter_class="measured"), rules=LABEL),
    Family(name="uncertainty hidden", change=_energies(edge_j=0.0), rules=frozenset({"energy-uncertainty"})),
    Family(name="energies of other windows", change=on_attempt(_swap_energies), rules=JOULES),
    Family(name="units of a step raised", change=_work("units_per_step", 2), rules=frozenset({"work", "units"})),
    Family(name="operations lowered", change=_work("flops_per_step", 0.5), rules=frozenset({"work"})),
    Family(name="precision relabelled", change=_cell(precision="fp16"), rules=frozenset({"cell-unplanned"})),
    Family(name="batch relabelled", change=_cell(batch=7), rules=frozenset({"batch"})),
    Family(name="version relabelled", change=_cell(version=77), rules=frozenset({"cell-unplanned"})),
    Family(name="idle power raised", change=_idle(50.0), rules=frozenset({"power-under-idle"})),
    Family(name="a wrap that never was", change=on_attempt(_jump), rules=JOULES),
    Family(
        name="a wrap that never was, joules made to fit", change=_where(_measured, on_attempt(_jump)),
        rules=frozenset({"power-over-limit"}), careful=True,
    ),
    Family(
        name="instants reversed", change=on_attempt(_reversed), rules=frozenset({"ticks-time"}), cheat=False
    ),
    Family(name="memory's counter left out", change=_no_memory_counter, rules=frozenset({"energy"})),
    Family(
        name="more memory than there is",
        change=lambda d, s: False if d["backend"] == "simulated" else on_attempt(_peak, metered=False)(d, s),
        rules=frozenset({"memory-over-capacity"}), cheat=False,
    ),
    Family(name="a day before the device", change=_date("2012-01-01"), rules=frozenset({"date"}), cheat=False),
    Family(name="a day to come", change=_date("2099-01-01"), rules=frozenset({"date"}), cheat=False),
)  # fmt: skip


def all_of(results: list[Result], seed: int, *, named_anew: bool) -> Iterator[tuple[Family, int, bytes]]:
    """Every family on every result that it applies to: the family, the result's place, the corrupted file."""
    for family in FAMILIES:
        for index, result in enumerate(results):
            source = random.Random(f"{seed}/{family.name}/{index}")
            made = corrupted(result, family, source, named_anew=named_anew)
            if made is not None:
                yield family, index, made
