"""Commands as the documentation writes them: they parse, and what they name of ours is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.core

from carnatic_sep.cli.main import VERBS, load_verb, main

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / "recipes").rglob("*.md"),
]
OURS = ("configs/", "recipes/", "tests/")


def commands(text: str) -> list[list[str]]:
    """Return the commands after a ``$`` and of examples, in words; comments are left out."""
    joined = re.sub(r"\\\\?\n\s*", " ", text)
    lines = re.findall(r"^\s*(?:\$ +)?((?:carnatic-sep|python recipes/)\S* .*)$", joined, re.M)
    return [shlex.split(re.sub(r"\s{2,}\(.*\)$", "", line), comments=True) for line in lines]


def written() -> list[tuple[str, list[str]]]:
    found = [
        (page.relative_to(ROOT).as_posix(), words)
        for page in PAGES
        for block in re.findall(
            r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S
        )
        for words in commands(block)
    ]
    for verb in VERBS:
        examples = str(load_verb(verb).help or "").partition("Examples:")[2]
        found += [(f"{verb} --help", words) for words in commands(examples)]
    return found


WRITTEN = written()


def test_there_are_many() -> None:
    assert len(WRITTEN) > 100
    assert {where for where, _ in WRITTEN} >= {
        "README.md",
        "separate --help",
        "docs/howto/clean.md",
    }


@pytest.mark.parametrize("where", sorted({where for where, _ in WRITTEN}))
def test_what_is_written_down_parses(where: str, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(typer.core.TyperCommand, "invoke", lambda self, context: None)
    faults = []
    for words in (words for place, words in WRITTEN if place == where):
        missing = [word for word in words if word.startswith(OURS) and not (ROOT / word).exists()]
        faults += [f"{shlex.join(words)}: {name} is not there" for name in missing]
        if words[0] == "carnatic-sep":
            with pytest.raises(SystemExit) as caught:
                main(words[1:])
            if caught.value.code:
                faults.append(f"{shlex.join(words)}: {capsys.readouterr().err.strip()[-200:]}")
    assert not faults, "\n".join(faults)


def test_a_mistake_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer.core.TyperCommand, "invoke", lambda self, context: None)
    for line in ("$ carnatic-sep separate a.wav --stem x\n", "  carnatic-sep evaluate mixtures\n"):
        with pytest.raises(SystemExit) as caught:
            main(commands(line)[0][1:])
        assert caught.value.code == 2
