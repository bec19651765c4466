"""The number format of the forward pass."""

from __future__ import annotations

import pytest
import torch

from tcon.cache import InputError
from tcon.extract.machine.precision import choose_precision

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_what_was_asked_for_is_taken(precision: str) -> None:
    assert choose_precision(precision, CPU) == precision


@pytest.mark.parametrize("precision", ["fp8", "", "float32"])
def test_unknown_precision_is_refused(precision: str) -> None:
    with pytest.raises(InputError, match=f"'{precision}' is not one of auto, fp32, bf16, fp16"):
        choose_precision(precision, CPU)


@pytest.mark.parametrize(("has", "expected"), [(True, "bf16"), (False, "fp32")])
def test_auto_on_a_processor(monkeypatch: pytest.MonkeyPatch, has: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has, raising=False)
    assert choose_precision("auto", CPU) == expected


@pytest.mark.parametrize(("has", "expected"), [(True, "bf16"), (False, "fp16")])
def test_auto_on_a_gpu(monkeypatch: pytest.MonkeyPatch, has: bool, expected: str) -> None:
    """Emulated bf16 is slow: only real support counts."""

    def supported(including_emulation: bool = True) -> bool:
        return has or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert choose_precision("auto", CUDA) == expected
