"""Kill commands at random instants, and look what they left behind: the figures of docs/performance.md.

    python bench/kills.py [--count 1000] [--of run,check,submit,site] [--seed 1]

SIGKILL to the whole process group, at an instant drawn from 0 to the time that the command takes when nobody kills it.
After each kill every result must be whole or not there, git as it was or with the whole commit, the site the old one
or the new one, and no attempt that was on record lost; then the same command must end well. A killed run is followed
by the same run, killed again, until one comes to its end. The code is copied first: the checkout may change meanwhile.
Prints what was found; ends with code 1 where anything was wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from victims import VICTIMS, Done, Victim

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("suite", "backends", "workloads", "site")

MARK = "JOULEMARK_KILLED"
"""A variable by which the processes of a killed command are known."""

PATIENCE_S = 10.0
"""For the children of what was killed to be gone."""

MOST_TOLD = 20


@dataclass(slots=True)
class Tally:
    """What came of the kills of one command. `ended`: it was over before its kill came."""

    kills: int = 0
    ended: int = 0
    wrong: list[str] = field(default_factory=list)

    def see(self, found: Iterator[str], when: str) -> None:
        self.wrong += (f"kill {self.kills}, {when}: {one}" for one in found)


def frozen(folder: Path) -> Path:
    """A copy of the code below the folder."""
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__", "_build*", "._build*")
        shutil.copytree(ROOT / room, folder / "code" / room, ignore=ignored)
    return folder / "code"


def play(victim: Victim, count: int, source: random.Random) -> Tally:
    """So many kills of one command."""
    tally, usual_s, goes_on = Tally(), victim.usual_s or _usual_s(victim), False
    while tally.kills < count or goes_on:
        if not goes_on:
            victim.reset()
        is_last = tally.kills == count
        done = carried_out(victim, None if is_last else source.uniform(0.0, usual_s))
        if done is None:
            tally.kills += 1
            tally.see(_left(victim), "at once")
            tally.see(victim.wrong(), "at once")
            goes_on = True
            if victim.goes_on:
                continue
            done = _whole(victim)
        else:
            tally.ended += not is_last
        tally.see(victim.ended(done), "at its end")
        goes_on = False
    return tally


def carried_out(victim: Victim, kill_after_s: float | None) -> Done | None:
    """The command's end; None where it was killed. Coverage goes its own way: a killed process writes none."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "COVERAGE"))}
    with subprocess.Popen(
        [sys.executable, "-m", "suite", *victim.arguments],
        cwd=victim.folder,
        env={**own, **victim.environment, MARK: str(victim.folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, complaints = process.communicate(timeout=kill_after_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None
        return Done(code=process.returncode, out=out, complaints=complaints)


def _whole(victim: Victim) -> Done:
    done = carried_out(victim, None)
    assert done is not None
    return done


def _usual_s(victim: Victim) -> float:
    """How long it takes when nobody kills it, from where it begins. RuntimeError where even then it is wrong."""
    victim.reset()
    begun_s = time.monotonic()
    done = _whole(victim)
    taken_s = time.monotonic() - begun_s
    if wrong := list(victim.ended(done)):
        raise RuntimeError(f"without any kill: {wrong}")
    return taken_s


def _left(victim: Victim) -> Iterator[str]:
    """Processes of the command that outlive it."""
    end_s = time.monotonic() + PATIENCE_S
    while alive := [one for one in psutil.process_iter() if _environment(one).get(MARK) == str(victim.folder)]:
        if time.monotonic() > end_s:
            yield f"processes are left: {alive}"
            return
        time.sleep(0.1)


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ() if process.status() != psutil.STATUS_ZOMBIE else {}
    except psutil.Error:
        return {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--of", default=",".join(VICTIMS))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    names, wrong = arguments.of.split(","), 0
    print("| command | kills | ended before its kill | wrong |\n|---|---|---|---|", flush=True)
    for number, name in enumerate(names):
        count = arguments.count * (number + 1) // len(names) - arguments.count * number // len(names)
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            root = Path(folder).resolve()
            tally = play(VICTIMS[name](root, frozen(root)), count, random.Random(f"{arguments.seed}/{name}"))
        print(f"| {name} | {tally.kills} | {tally.ended} | {len(tally.wrong)} |", flush=True)
        for one in tally.wrong[:MOST_TOLD]:
            print(f"  {one}", file=sys.stderr, flush=True)
        wrong += len(tally.wrong)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
