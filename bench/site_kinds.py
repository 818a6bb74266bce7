"""A site of invented results with one page of every kind, for those who look at all of them.

    python bench/site_kinds.py --out DIR

Among its results are refused, withdrawn, flagged, audited and signed ones, systems with a full score and without, and
cells that failed. The site is built in DIR/site from DIR/results; DIR/empty is the site of no results.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import synthetic

import workloads
from suite.leaderboard import build
from suite.record import Result
from suite.signatures import NAMESPACE

ROOT = Path(__file__).parents[1]
RESULTS = 20
WHOLE = (8, 6)
"""Results of machines that ran every workload: these have a score."""

WITHDRAWN, FLAGGED, AUDITED, SIGNED = 2, 3, 4, 0


def make(folder: Path) -> Path:
    """The site's folder, made with its results below `folder`."""
    every = tuple(name for name in workloads.names() if name != "calib")
    made = [synthetic.result(index, 1, every if index in WHOLE else None) for index in range(RESULTS)]
    results = folder / "results"
    paths = [_written(one, results) for one in made]
    _sign(paths[SIGNED], folder / "key")
    (results / "damaged.json").write_text("{", encoding="utf-8")
    (results / "decisions.jsonl").write_text("".join(_decisions(made)), encoding="utf-8")
    (folder / "nothing").mkdir()
    build(folder / "nothing", ROOT / "site", folder / "empty")
    build(results, ROOT / "site", folder / "site")
    return folder / "site"


def _written(one: Result, results: Path) -> Path:
    path = results / one.system.slug / one.file_name
    synthetic.write_atomically(path, synthetic.dumps(one))
    return path


def _sign(path: Path, key: Path) -> None:
    """Lays a signature of a key of its own beside the file."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", key, path], check=True)


def _decisions(made: Sequence[Result]) -> list[str]:
    decided = (
        (WITHDRAWN, "withdrawn", "the fan was unplugged"),
        (FLAGGED, "flagged", "somebody else trained on the same card"),
        (AUDITED, "audited", "run again by hand beside a wall meter"),
    )
    return [
        json.dumps({"date": "2026-02-03", "result": made[index].id, "action": action, "reason": why}) + "\n"
        for index, action, why in decided
    ]


def kinds(site: Path) -> dict[str, str]:
    """A name for each kind of page -> its path below `site`, with the state behind "#" where it needs one.

    Every page of the top folder is one, so a page that is added there is looked at as well.
    """
    top = {path.stem: path.name for path in sorted(site.glob("*.html")) if "_" not in path.stem}
    return top | _boards(site) | _results(site) | _tools(site)


def _boards(site: Path) -> dict[str, str]:
    patterns = {
        "board": "boards/gpt/train/s/*-device-measured-*.html",
        "board, estimated": "boards/gpt/train/s/*-device-estimated-*.html",
        "board, no joules": "boards/gpt/train/s/*-device-none-*.html",
        "board, calibration": "boards/calib/matmul/*/*-device-measured-*.html",
        "system with a score": "systems/example-rtx-4090-workstation.html",
        "system, estimated": "systems/example-virtual-machine-4-cores.html",
    }
    return {name: _first(site, pattern) for name, pattern in patterns.items()}


def _results(site: Path) -> dict[str, str]:
    every = [path for path in site.glob("results/*.html") if "_" not in path.stem]
    cells = sorted(site.glob("results/*/*.html"))
    signed, withdrawn = _containing(every, 'id="verify"'), _containing(every, "Withdrawn on")
    failed, cell = _containing(cells, 'outcome bad"'), _containing(cells, 'class="trace"')
    found = {"result, signed": signed, "result, withdrawn": withdrawn, "cell": cell, "cell, failed": failed}
    return {name: path.relative_to(site).as_posix() for name, path in found.items()}


def _tools(site: Path) -> dict[str, str]:
    drawn = _first(site, "pareto/**/*.html")
    return {"compare, rows": "compare.html#rows=" + ",".join(_rows(site)), "pareto, one work": drawn}


def _rows(site: Path) -> list[str]:
    """Three rows of one board, as the page that compares knows them."""
    board = (site / _first(site, "boards/gpt/train/s/*-device-measured-*.html")).read_text(encoding="utf-8")
    return [part.split('"', 1)[0] for part in board.split('data-row="')[1:4]]


def _first(site: Path, pattern: str) -> str:
    return min(path.relative_to(site).as_posix() for path in site.glob(pattern))


def _containing(paths: Sequence[Path], text: str) -> Path:
    return next(path for path in sorted(paths) if text in path.read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args().out
    folder.mkdir(parents=True)
    site = make(folder)
    for name, path in kinds(site).items():
        print(f"{name:24}{site / path}")


if __name__ == "__main__":
    main()
