"""Rules that keep submitted text out of the markup."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

import jinja2
import pytest

from suite.leaderboard.render import environment

SITE = Path(__file__).parents[3] / "site"
TEMPLATES = sorted(path for path in (SITE / "templates").iterdir() if path.suffix in {".html", ".svg"})

MOST_SCRIPT_OF_A_PAGE, MOST_SCRIPT = 13_600, 30_700
"""Bytes, gzipped file by file. A page may have 15,000."""

FORBIDDEN = {
    "a filter that switches escaping off": re.compile(r"\|\s*safe\b|autoescape|Markup"),
    "an inline style": re.compile(r"\sstyle\s*=|<style", re.I),
    "an event handler": re.compile(r"\son[a-z]+\s*=", re.I),
    "a script of its own": re.compile(r"<script(?![^>]*\ssrc=)", re.I),
    "an address elsewhere": re.compile(r"""(?:src|href|action)\s*=\s*["']?\s*(?:[a-z]+:|//)""", re.I),
    "an attribute without quotes": re.compile(r"""<[a-z](?:[^<>"']|"[^"]*"|'[^']*')*\s[a-z-]+=(?!["'])""", re.I),
}


def without_expressions(text: str) -> str:
    """Markup with every `{{ }}` and `{% %}` taken for a plain word."""
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "x", text, flags=re.S)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_holds(what: str, template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    source = text if "filter" in what else without_expressions(text)
    assert not FORBIDDEN[what].search(source), f"{template.name} holds {what}"


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a filter that switches escaping off", "{{ name|safe }}"),
        ("an inline style", '<p style="color: red">'),
        ("an event handler", '<p onclick="go()">'),
        ("a script of its own", "<script>go()</script>"),
        ("an address elsewhere", '<a href="https://example.org/">'),
        ("an attribute without quotes", '<a class="x" href={{ address }}>'),
    ],
)
def test_the_rules_see_what_they_forbid(what: str, text: str) -> None:
    source = text if "filter" in what else without_expressions(text)
    assert FORBIDDEN[what].search(source)


def test_the_environment_escapes_and_refuses_unknown_names(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ name }}")
    template = environment(tmp_path).get_template("page.html")
    assert template.render(name="<b>") == "&lt;b&gt;"
    with pytest.raises(jinja2.UndefinedError):
        template.render()


def scripts_of(template: Path) -> set[str]:
    """The own scripts that the page made of a template asks for."""
    text = template.read_text(encoding="utf-8")
    parts = re.findall(r'{% (?:extends|include) "([\w.]+)" %}', text)
    own = set(re.findall(r"static/([\w-]+\.js)", text))
    return own.union(*(scripts_of(template.with_name(name)) for name in parts))


def packed(names: Iterable[str]) -> int:
    """Bytes on the way to a reader."""
    return sum(len(gzip.compress((SITE / "static" / name).read_bytes())) for name in names)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_the_scripts_of_a_page_are_small(template: Path) -> None:
    assert packed(scripts_of(template)) <= MOST_SCRIPT_OF_A_PAGE


def test_only_a_page_with_a_table_to_sort_asks_for_what_sorts_it() -> None:
    pages = [template for template in TEMPLATES if "{% extends" in template.read_text(encoding="utf-8")]
    sorting = {template.name for template in pages if "table.js" in scripts_of(template)}
    assert sorting == {"board.html", "data.html", "excluded.html", "system.html", "systems.html"}
    assert scripts_of(SITE / "templates" / "index.html") == {"theme.js"}


def test_all_scripts_together_are_small() -> None:
    assert packed(path.name for path in (SITE / "static").glob("*.js")) <= MOST_SCRIPT
