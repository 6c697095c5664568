"""One file per model: weights, architecture, config, stems and provenance, in safetensors."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue, ValidationError

from carnatic_sep import __version__
from carnatic_sep.errors import CheckpointError, UnknownNameError
from carnatic_sep.files import growing
from carnatic_sep.models.safetensors_header import Header, check_fit, parse_header

if TYPE_CHECKING:
    from torch import Tensor

    from carnatic_sep.models.base import SeparationModel

FORMAT = "carnatic-sep-checkpoint-1"
_METADATA_KEY = "carnatic_sep"


class Provenance(BaseModel):
    """Where a model comes from, what it may be used for, and who is to be thanked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    licence: str
    description: str = ""
    credits: list[str] = Field(default_factory=list)
    trained_on: str = ""
    seed: int | None = None
    steps: int | None = None
    created: str = Field(default_factory=lambda: datetime.date.today().isoformat())
    package_version: str = __version__
    metrics: dict[str, FiniteFloat] = Field(default_factory=dict)
    extra: dict[str, JsonValue] = Field(default_factory=dict)


class _Metadata(BaseModel):
    """What the header says beside the tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    architecture: str
    config: dict[str, JsonValue]
    stems: tuple[str, ...]
    sample_rate: int
    channels: int | None
    segment_seconds: float
    parameters: int
    dtype: Literal["float32", "float16"]
    weights_sha256: str
    provenance: Provenance


@dataclass(frozen=True)
class CheckpointInfo:
    """What :func:`read_metadata` finds in a checkpoint.

    `sha256` is of the whole file, `weights_sha256` that of the tensor bytes alone as the header
    records it; `parameters` counts the trainable numbers, `bytes` the file's length.
    """

    path: Path
    architecture: str
    config: dict[str, Any]
    stems: tuple[str, ...]
    sample_rate: int
    channels: int | None
    segment_seconds: float
    parameters: int
    dtype: str
    provenance: Provenance
    sha256: str
    weights_sha256: str
    bytes: int


def save_checkpoint(
    path: str | Path,
    model: SeparationModel,
    provenance: Provenance,
    *,
    dtype: Literal["float32", "float16"] = "float32",
) -> None:
    """Write `model` to `path` as one safetensors file, whole or not at all.

    Parameters
    ----------
    path : where to; an existing file is replaced in one step
    model : its `architecture` must be registered and its `config` must be plain JSON values
    provenance : goes into the header
    dtype : how floating-point weights are stored; they load as float32 either way. Tensors with
        numbers beyond float16's range are float32 all the same.

    Raises
    ------
    CheckpointError
        Weights not finite, a config that JSON cannot hold, an unwritable place.
    """
    from safetensors.torch import save

    path = Path(path)
    tensors = {k: _stored(v, name=k, dtype=dtype, path=path) for k, v in model.state_dict().items()}
    unlabelled = save(tensors)
    data = unlabelled[parse_header(unlabelled, path=path).data_start :]
    try:
        metadata = _Metadata(
            format=FORMAT,
            architecture=model.architecture,
            config=json.loads(json.dumps(model.config, allow_nan=False)),
            stems=tuple(model.stems),
            sample_rate=model.sample_rate,
            channels=model.channels,
            segment_seconds=model.segment_seconds,
            parameters=sum(p.numel() for p in model.parameters()),
            dtype=dtype,
            weights_sha256=hashlib.sha256(data).hexdigest(),
            provenance=provenance,
        )
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: this {type(model).__name__} cannot be described in JSON ({error}); "
            "its config may hold only numbers, strings, booleans, None, lists and dicts"
        ) from error
    _write_atomically(path, save(tensors, {_METADATA_KEY: metadata.model_dump_json()}))


def read_metadata(path: str | Path) -> CheckpointInfo:
    """Read what a checkpoint says about itself, without building the network.

    Raises
    ------
    CheckpointError
        The file is missing, truncated, or not a checkpoint of this package.
    """
    path = Path(path)
    content = _read(path)
    return _info(path, content, parse_header(content, path=path))


def load_checkpoint(path: str | Path, *, device: str = "cpu") -> SeparationModel:
    """Load a model, in evaluation mode and float32, on `device`.

    Nothing in the file is executed or unpickled.

    Raises
    ------
    CheckpointError
        The file is missing, truncated, damaged or foreign; its architecture is unknown; or its
        tensors do not fit the architecture (they are named).
    UsageError
        A device that torch does not know or does not find here.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    from carnatic_sep.models.base import moved

    path = Path(path)
    content = _read(path)
    header = parse_header(content, path=path)
    info = _info(path, content, header)
    if hashlib.sha256(memoryview(content)[header.data_start :]).hexdigest() != info.weights_sha256:
        raise CheckpointError(
            f"{path}: the weights do not match the SHA-256 in the header, so the file is damaged; "
            "copy or download it again"
        )
    if (needed := _weights_of(info)) is not None:  # before memory is asked for them
        check_fit(path, header, needed)
    model = _build(info)
    check_fit(path, header, model.state_dict())
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise CheckpointError(
            f"{path}: damaged safetensors file ({error}); copy or download it again"
        ) from error
    widened = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    model.load_state_dict(widened)
    return moved(model, device).eval()


def _stored(tensor: Tensor, *, name: str, dtype: str, path: Path) -> Tensor:
    import torch

    plain = tensor.detach().cpu()
    if plain.is_floating_point():
        if not bool(torch.isfinite(plain).all()):
            raise CheckpointError(
                f"{path}: not saved: {name} holds numbers that are not finite; training diverged"
            )
        # A norm's variance may well lie beyond what float16 reaches, 65504: it stays as it is.
        short = plain.to(getattr(torch, dtype))
        plain = short if bool(torch.isfinite(short).all()) else plain.to(torch.float32)
    # A copy of its own: safetensors refuses tensors that share memory.
    return plain.clone(memory_format=torch.contiguous_format)


def _write_atomically(path: Path, content: bytes) -> None:
    try:
        with growing(path, shared=True) as place:
            place.write_bytes(content)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "check the folder's permissions and free space"
        ) from error


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise CheckpointError(f"{path}: a directory, not a checkpoint; name the .safetensors file")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from error


def _info(path: Path, content: bytes, header: Header) -> CheckpointInfo:
    if (text := header.metadata.get(_METADATA_KEY)) is None:
        raise CheckpointError(
            f"{path}: a safetensors file, but not a checkpoint of this package "
            f"(its metadata has no {_METADATA_KEY!r} entry); models of other toolkits do not load"
        )
    try:
        format_name = json.loads(text).get("format")
        if format_name != FORMAT:
            raise CheckpointError(
                f"{path}: format {format_name!r}, this version {__version__} reads {FORMAT!r}; "
                "install the version of carnatic-sep that wrote it"
            )
        metadata = _Metadata.model_validate_json(text)
    except (AttributeError, ValidationError, json.JSONDecodeError) as error:
        raise CheckpointError(
            f"{path}: damaged metadata ({error}); copy or download the file again"
        ) from error
    fields = {name: getattr(metadata, name) for name in _Metadata.model_fields if name != "format"}
    digest = hashlib.sha256(content).hexdigest()
    return CheckpointInfo(path=path, sha256=digest, bytes=len(content), **fields)


def _weights_of(info: CheckpointInfo) -> dict[str, Tensor] | None:
    """Return the tensors that the network has, without memory; None where it cannot be told so."""
    import torch

    from carnatic_sep.models.registry import build

    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            return build(info.architecture, **info.config).state_dict()
    except Exception:  # what is wrong with it, building it in earnest tells
        return None


def _build(info: CheckpointInfo) -> SeparationModel:
    import torch

    from carnatic_sep.models.registry import build

    try:
        with torch.random.fork_rng(devices=[]):  # initial weights must not advance the caller's
            model = build(info.architecture, **info.config)
    except UnknownNameError as error:
        raise CheckpointError(
            f"{info.path}: {error}; written by version {info.provenance.package_version}, "
            f"this is {__version__}"
        ) from error
    except (AssertionError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{info.path}: its config does not build a {info.architecture} ({error})"
        ) from error
    if (tuple(model.stems), model.sample_rate) != (info.stems, info.sample_rate):
        raise CheckpointError(
            f"{info.path}: its header promises {list(info.stems)} at {info.sample_rate} Hz, its "
            f"config builds {list(model.stems)} at {model.sample_rate} Hz; the file is damaged"
        )
    return model
