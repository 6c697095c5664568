"""YAML text as plain values, with faults in one line, and no key twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml


class YamlError(Exception):
    """Text that is no YAML, or says the same thing twice; the message has the place."""


def parse_yaml(text: str | bytes) -> Any:
    r"""Return the values that `text`, in UTF-8 if it is bytes, stands for.

    YAML forbids a key that stands twice in one mapping, and PyYAML takes the last one of them:
    here it is an error, since one of both is not what its writer thinks is in force.

    Raises
    ------
    YamlError
        Not UTF-8, not YAML, nested too deeply, or a key that stands twice.

    Source: YAML 1.2.2, section 3.2.1.3.

    >>> parse_yaml("steps: 5")
    {'steps': 5}
    >>> parse_yaml("a: 1\nb: 2\na: 3")
    Traceback (most recent call last):
    carnatic_sep.datasets.yaml_text.YamlError: line 3, column 1: the key 'a' stands here twice
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
            _refuse_twice(node)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text.decode() if isinstance(text, bytes) else text, Loader)
    except UnicodeDecodeError as error:
        raise YamlError(f"not UTF-8 at byte {error.start}; save it in that encoding") from error
    except RecursionError as error:
        raise YamlError("it is nested too deeply") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(f"{place}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error


def _refuse_twice(node: yaml.MappingNode) -> None:
    import yaml

    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in seen:
            raise yaml.constructor.ConstructorError(
                problem=f"the key {key.value!r} stands here twice", problem_mark=key.start_mark
            )
        seen.add(key.value if isinstance(key, yaml.ScalarNode) else key)
