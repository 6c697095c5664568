"""Write docs/reference/training.md: every key of a run's configuration, as the code has it."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from carnatic_sep.datasets.yaml_file import concept_of, keys_of
from carnatic_sep.ensemble.config import EnsembleConfig
from carnatic_sep.training.config import RunConfig, TrainConfig
from carnatic_sep.training.finetune_config import FinetuneConfig

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "training.md"
_PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    type(None): "null",
    Any: "anything",
}
HEAD = """# Keys of a training run

Written by `python .ci/config_keys.py` from the code; a test keeps it true. How to use them:
[Train a model](../howto/train.md), [Fine-tune a model](../howto/finetune.md). In the file
`mix.seconds` is the key `seconds` below `mix:`; on the command line it is
`--set mix.seconds=3`, a list `--set "data.test=[a, b]"`, none
`--set patience=null`.
"""

ENSEMBLE = """The fields of `carnatic_sep.ensemble.config.EnsembleConfig`, explained there:
`ensemble.rule_share`, `ensemble.bleed_db`, `ensemble.desk.levels_db` and so on.
"""


def page() -> str:
    """Return the whole page."""
    shared = set(keys_of(RunConfig))
    parts = [HEAD, "## Every run\n", table(RunConfig, skip={"validation"})]
    for verb, concept in (("train", TrainConfig), ("finetune", FinetuneConfig)):
        own = {key for key in keys_of(concept) if concept_of(keys_of(concept)[key])}
        changed = {key for key in shared - own if default(concept, key) == default(RunConfig, key)}
        parts += [f"## `{verb}` alone\n", table(concept, skip=changed | own)]
        for key in keys_of(concept):
            below = concept_of(keys_of(concept)[key])
            if below is EnsembleConfig:
                parts += [f"### `{key}` of `{verb}`\n", ENSEMBLE]
            elif below is not None:
                parts += [f"### `{key}` of `{verb}`\n", table(below, lead=f"{key}.")]
    return "\n".join(parts)


def table(concept: type, *, lead: str = "", skip: set[str] = frozenset()) -> str:  # type: ignore[assignment]
    """Return a table of the keys of `concept`, those of its parts among them."""
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{key}` | {kind} | {plain} | {said} |"
        for key, kind, plain, said in rows(concept, lead)
        if key not in skip
    ]
    return "\n".join(lines) + "\n"


def rows(concept: type, lead: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, type, default and meaning."""
    said = meanings(concept)
    for name, annotation in keys_of(concept).items():
        below = concept_of(annotation)
        if below is not None and lead:
            yield from rows(below, f"{lead}{name}.")
        else:
            kind = f"{words(annotation)}{limits(concept, name)}"
            yield f"{lead}{name}", kind, default(concept, name), said.get(name, "")


def words(annotation: Any) -> str:
    """Say in plain words what values are."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return words(parts[0])
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin in (Union, UnionType):
        return " or ".join(words(part) for part in parts)
    if origin is list or (origin is tuple and parts[-1] is Ellipsis):
        return f"list of {words(parts[0])}"
    if origin is tuple:
        return f"{len(parts)} of {words(parts[0])}"
    if origin is not None:
        return f"{words(parts[0])} to {words(parts[1])}"
    return _PLAIN.get(annotation, getattr(annotation, "__name__", str(annotation)))


def limits(concept: type, name: str) -> str:
    """Say between what a number must lie."""
    if not issubclass(concept, BaseModel):
        return ""
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = [
        f"{sign} {getattr(rule, short):g}"
        for rule in concept.model_fields[name].metadata
        for short, sign in signs.items()
        if getattr(rule, short, None) is not None
    ]
    return "".join(f", {limit}" for limit in found)


def default(concept: type, name: str) -> str:
    """Return the default as YAML would have it."""
    if issubclass(concept, BaseModel):
        field = concept.model_fields[name]
        if field.is_required():
            return "needed"
        value = field.get_default(call_default_factory=True)
    else:
        found = next(each for each in fields(concept) if each.name == name)
        value = found.default if found.default is not MISSING else found.default_factory()  # type: ignore[misc]
    if value is None:
        return "`null`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, Mapping):
        value = {key: list(v) if isinstance(v, tuple) else v for key, v in value.items()}
    return f"`{value}`" if value != "" else "empty"


def meanings(concept: type) -> dict[str, str]:
    """Return what is written below each key in the source, or of it in the docstring."""
    found: dict[str, str] = {}
    for each in reversed(concept.__mro__):
        if each.__module__.startswith("carnatic_sep"):
            found |= _below(each) | _attributes(each)
    return found


def _below(concept: type) -> dict[str, str]:
    (body,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(concept))).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for one, other in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(one, ast.AnnAssign)
            and isinstance(one.target, ast.Name)
            and isinstance(other, ast.Expr)
            and isinstance(other.value, ast.Constant)
        ):
            found[one.target.id] = " ".join(str(other.value.value).split())
    return found


def _attributes(concept: type) -> dict[str, str]:
    text = inspect.cleandoc(concept.__doc__ or "")
    found: dict[str, str] = {}
    last = ""
    for line in text.partition("----------\n")[2].splitlines():
        name, sign, said = line.partition(" : ")
        if sign and not line.startswith(" "):
            last = name
            found[name] = said
        elif last and line.startswith(" "):
            found[last] += f" {line.strip()}"
    return {key: said[:1].upper() + said[1:] + "." for key, said in found.items()}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
