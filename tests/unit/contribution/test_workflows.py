"""What the workflows of this repository may do, read as text: a linter that is told to ignore cannot ignore these."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
import zipfile
from pathlib import Path

import pytest

from suite.check.batch import check_all

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = {path.name: path.read_text() for path in (ROOT / ".github" / "workflows").iterdir()}

WRITES = {
    "comment.yml": {"pull-requests: write"},
    "site.yml": {"pages: write", "id-token: write"},
}
"""All that any job may change."""


def code(text: str) -> str:
    """Without comments."""
    return re.sub(r"(^|\s)#.*", "", text)


def scripts(text: str) -> list[str]:
    """The text of each `run:`, which a shell reads: the rest of its line, and the deeper lines below it."""
    return [found[0] for found in re.finditer(r"^( *)(?:- )?run:.*\n(?:\1 +.*\n|\n)*", text, re.MULTILINE)]


every = pytest.mark.parametrize("name", sorted(WORKFLOWS))


def test_the_workflows_are_these() -> None:
    assert set(WORKFLOWS) == {"check-result.yml", "comment.yml", "site.yml", "tests.yml"}


@every
def test_an_action_is_named_by_its_commit_and_by_its_version_for_people(name: str) -> None:
    used = re.findall(r"uses:.*", WORKFLOWS[name])
    assert all(re.fullmatch(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in used), used
    assert used or name == "comment.yml"


@every
def test_nothing_is_permitted_but_what_a_job_names(name: str) -> None:
    text = code(WORKFLOWS[name])
    assert re.findall(r"^permissions:(.*)$", text, re.MULTILINE) == [" {}"]
    assert set(re.findall(r"[a-z-]+: write", text)) == WRITES.get(name, set())
    assert not re.search(r"write-all|read-all|secrets\.", text)


@every
def test_no_word_of_a_stranger_becomes_a_shell_s(name: str) -> None:
    found = scripts(WORKFLOWS[name])
    assert found
    assert len(found) == WORKFLOWS[name].count(" run: ")
    assert not [one for one in found if "${{" in one]


@every
def test_no_strangers_code_meets_a_token_that_may_write(name: str) -> None:
    text = code(WORKFLOWS[name])
    assert "pull_request_target" not in text
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    if WRITES.get(name) and "pull_request" in text:
        assert "checkout" not in text


def test_the_base_branch_judges_and_the_pull_request_is_never_checked_out() -> None:
    text = code(WORKFLOWS["check-result.yml"])
    assert re.findall(r"^\s+ref: (.*)$", text, re.MULTILINE) == ["${{ github.event.pull_request.base.sha }}"]
    assert not re.search(r"git (checkout|switch|merge|reset|worktree|restore)|gh pr checkout", text)
    assert "-m suite review" in text


def test_a_comment_is_a_code_block_of_limited_size() -> None:
    text = WORKFLOWS["comment.yml"]
    assert "sed 's/^/    /'" in text
    assert "head -c 40000" in text
    assert "--body-file" in text


GH = """#!/bin/sh
# Stands for gh: what it is to say lies beside it, and what it is told to post is kept there.
case "$*" in
  *artifacts/*/zip*) cat "$RUNNER_TEMP/artefact.zip" ;;
  api*) printf '%s' "$GH_SAYS" ;;
  *) for last; do :; done; cp "$last" "$RUNNER_TEMP/posted.md"; echo "$@" > "$RUNNER_TEMP/asked" ;;
esac
"""


def play(step: str, folder: Path, **variables: str) -> str:
    """Run a step of comment.yml as GitHub does, with a gh that talks to nobody; what it said."""
    text = WORKFLOWS["comment.yml"].partition(f"- name: {step}\n")[2]
    script = textwrap.dedent(text.partition("run: |\n")[2].partition("\n\n")[0])
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    named = {"RUNNER_TEMP": str(folder), "GITHUB_OUTPUT": str(folder / "output"), "GH_REPO": "a/b"}
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", **named, **variables}
    done = subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(("said", "number"), [("12", "number=12\n"), ("", ""), ("1; id", ""), ("1\nnumber=2", "")])
def test_a_comment_goes_to_a_number_or_nowhere(tmp_path: Path, said: str, number: str) -> None:
    (tmp_path / "output").touch()
    play("Find the pull request that the run was for", tmp_path, GH_SAYS=said, HEAD="a:b", HEAD_SHA="0" * 40)
    assert (tmp_path / "output").read_text() == number


def test_of_an_artefact_one_file_of_limited_size_is_taken_as_text(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "artefact.zip", "w") as archive:
        archive.writestr("preview.md", "x" * 10**6)
        archive.writestr("../../gh", "#!/bin/sh\n")
    play("Fetch the preview", tmp_path, GH_SAYS="7", RUN_ID="1")
    assert (tmp_path / "preview.md").read_text() == "x" * 40_000
    assert (tmp_path / "gh").read_text() == GH


def test_without_an_artefact_nothing_is_posted(tmp_path: Path) -> None:
    play("Fetch the preview", tmp_path, GH_SAYS="", RUN_ID="1")
    play("Comment", tmp_path, NUMBER="12", RUN_URL="https://example.org/1")
    assert not (tmp_path / "posted.md").exists()


def test_whatever_a_stranger_leaves_is_posted_as_a_code_block(tmp_path: Path) -> None:
    hostile = "**1–2 of 3** µJ\n\n@somebody <img src=x>\n```\r# [a](b)\x1b[31m\u202e\n\tx"
    (tmp_path / "preview.md").write_text(hostile)
    play("Comment", tmp_path, NUMBER="12", RUN_URL="https://example.org/1")
    head, blank, *lines = (tmp_path / "posted.md").read_text().splitlines()
    assert head.startswith("What [the check](https://example.org/1)")
    assert blank == ""
    assert "    **1-2 of 3** uJ" in lines
    assert all(re.fullmatch(r"    [ -~]*", line) for line in lines)
    assert (tmp_path / "asked").read_text().startswith("pr comment 12 ")


def test_main_checks_all_results_before_it_builds_and_deploys() -> None:
    text = WORKFLOWS["site.yml"]
    steps = ["suite check results", "suite site", "upload-pages-artifact", "needs: build", "deploy-pages"]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)


def test_main_would_accept_the_results_that_are_here() -> None:
    rows = check_all([ROOT / "results"])
    assert rows
    assert all(row.acceptable for row in rows), [one for row in rows for one in row.findings]
