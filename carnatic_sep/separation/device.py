"""Which machine a model runs on, and in which number format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from carnatic_sep.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16"]
DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device that `name` means: the fastest there is for ``auto``.

    Parameters
    ----------
    name : auto, cpu, cuda, mps, or one GPU among several as ``cuda:1``

    Raises
    ------
    UsageError
        Torch finds no such device here.
    """
    import torch

    name = str(name)  # of a torch.device too
    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and (kind != "cuda" or not index.isdecimal())):
        raise UnknownNameError("device", name, list(DEVICES))
    if kind == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"--device {name}: torch finds no such GPU here; take --device cpu or auto"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("--device mps: torch finds no Metal here; take --device cpu or auto")
    return torch.device(name)


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the type of the network's matrix products; ``auto`` takes bf16 where it is fast.

    That is on GPUs that compute in bf16, and on CPUs with AVX-512 BF16 or AMX instructions.
    Elsewhere it is emulated, and slower than fp32.

    Raises
    ------
    UsageError
        No precision of that name, or bf16 asked of a device that cannot.
    """
    import torch

    if precision not in get_args(Precision):
        raise UnknownNameError("precision", str(precision), list(get_args(Precision)))
    if precision == "fp32":
        return torch.float32
    if precision == "bf16":
        if device.type == "mps":
            raise UsageError("--precision bf16: not on mps; take --precision fp32 or auto")
        return torch.bfloat16
    return torch.bfloat16 if _fast_bf16(device) else torch.float32


def _fast_bf16(device: torch.device) -> bool:
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # older versions of torch cannot be asked
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def describe(device: torch.device) -> str:
    """Return the device as a person would name it: "2 cores", or the GPU's name."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"{threads} core{'s' if threads != 1 else ''}"
    return "the GPU (Metal)"
