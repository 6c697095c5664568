from __future__ import annotations

import pytest
import torch

from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.separation import device as devices
from carnatic_sep.separation.device import describe, resolve_device, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_prefers_cuda_then_metal_then_the_cpu(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve_device("auto").type == expected


def test_devices_that_are_not_there_are_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("cuda:0") == torch.device("cuda:0")
    for name in ("cuda:1", "mps"):
        with pytest.raises(UsageError, match="--device cpu"):
            resolve_device(name)
    for name in ("gpu", "cpu:1", "cuda:x"):
        with pytest.raises(UnknownNameError):
            resolve_device(name)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx2": True, "avx512_bf16": False}, torch.float32),
    ],
)
def test_auto_takes_bf16_where_the_cpu_is_made_for_it(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_precision("auto", CPU) == expected


def test_precision_by_name():
    assert resolve_precision("fp32", CPU) == torch.float32
    assert resolve_precision("bf16", CPU) == torch.bfloat16
    assert resolve_precision("auto", torch.device("mps")) == torch.float32
    with pytest.raises(UsageError, match="--precision fp32"):
        resolve_precision("bf16", torch.device("mps"))


def test_a_cpu_is_described_by_its_cores(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert describe(CPU) == "2 cores"
    assert describe(torch.device("mps")) == "the GPU (Metal)"
    assert devices.DEVICES[0] == "auto"
