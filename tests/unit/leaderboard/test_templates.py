"""Rules that keep submitted text out of the markup."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import jinja2
import pytest

from suite.leaderboard.render import environment

SITE = Path(__file__).parents[3] / "site"
TEMPLATES = sorted((SITE / "templates").glob("*.html"))

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


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_the_scripts_of_a_page_are_small(template: Path) -> None:
    sources = [path.read_text(encoding="utf-8") for path in {SITE / "templates" / "base.html", template}]
    names = {name for text in sources for name in re.findall(r"static/([\w-]+\.js)", text)}
    packed = [len(gzip.compress((SITE / "static" / name).read_bytes())) for name in names]
    assert len(packed) >= 4
    assert sum(packed) <= 15_000
