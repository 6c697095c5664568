"""Heads that are kept, copied and fresh."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from carnatic_sep.errors import ConfigError, UnknownNameError
from carnatic_sep.models.registry import build
from carnatic_sep.training.surgery import operate, plan_grafts

FOUR = ("vocals", "violin", "mridangam", "other")
SPLEETER4 = ("vocals", "drums", "bass", "other")


def unet(stems: tuple[str, ...]) -> Any:
    torch.manual_seed(1)
    return build("unet", stems=list(stems), filters=[2] * 6, encoder_activation="elu").eval()


@pytest.mark.parametrize(
    ("base", "donors", "expected"),
    [
        (SPLEETER4, {}, ["vocals", "other", "drums", "other"]),
        (("vocals", "accompaniment"), {}, ["vocals", *["accompaniment"] * 3]),
        (SPLEETER4, {"violin": "vocals", "other": "fresh"}, ["vocals", "vocals", "drums", None]),
        (("piano", "bass"), {}, [None] * 4),
    ],
)
def test_heads_come_from_their_usual_or_named_donors(
    base: tuple[str, ...], donors: dict[str, str], expected: list[str | None]
) -> None:
    assert [graft.donor for graft in plan_grafts(base, FOUR, donors)] == expected


def test_what_was_done_can_be_read() -> None:
    lines = [str(graft) for graft in plan_grafts(SPLEETER4, FOUR, {"mridangam": "fresh"})]
    assert lines == [
        "vocals: its own head",
        "violin: a copy of other",
        "mridangam: a fresh head",
        "other: its own head",
    ]


def test_copied_heads_answer_as_their_donors_do() -> None:
    base = unet(SPLEETER4)
    operation = operate(base, FOUR, donors={"mridangam": "fresh"}, seed=3)
    model = operation.model.eval()
    assert model.stems == FOUR
    assert model.config["encoder_activation"] == "elu"
    magnitudes = torch.rand(1, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        old, new = base.estimates(magnitudes)[0], model.estimates(magnitudes)[0]
    assert torch.equal(new[0], old[0])
    assert torch.equal(new[1], old[3])
    assert torch.equal(new[3], old[3])
    assert not any(torch.allclose(new[2], other, atol=1e-3) for other in old)
    assert {name.split(".")[1] for name in operation.kept_parameters} == {"0", "3"}


def test_fresh_heads_follow_the_seed_and_leave_the_callers_alone() -> None:
    def head(seed: int) -> torch.Tensor:
        model = operate(unet(("vocals",)), ("vocals", "violin"), donors={}, seed=seed).model
        return model.state_dict()["nets.1.last.weight"]

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    base = unet(("vocals",))
    torch.manual_seed(5)
    operate(base, ("vocals", "violin"), donors={}, seed=0)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(head(1), head(1))
    assert not torch.equal(head(1), head(2))


def mixer_model(*stems: str) -> Any:
    options = {"n_fft": 64, "hop_frames": 16, "bins": 16, "columns": 8, "levels": 1, "width": 2}
    torch.manual_seed(2)
    model = build("tfc_tdf", stems=list(stems), **options).eval()
    torch.nn.init.normal_(model.mixer.weight)
    return model


def test_the_mixer_model_answers_for_kept_stems_as_before() -> None:
    base = mixer_model("vocals", "violin")
    model = operate(base, ("violin", "mridangam", "vocals"), donors={"mridangam": "fresh"}).model
    old = base.mixer.weight.detach()
    expected = torch.tensor(
        [
            [old[1, 1], 0.0, old[1, 0], old[1, 2]],
            [0.0, 1.0, 0.0, 0.0],
            [old[0, 1], 0.0, old[0, 0], old[0, 2]],
        ]
    )
    assert torch.equal(model.mixer.weight, expected)
    noise = torch.randn(1, 1, 300, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before, after = base(noise), model.eval()(noise)
    torch.testing.assert_close(after[:, [2, 0]], before, atol=1e-6, rtol=1e-5)


def test_what_a_lost_stem_gave_to_a_kept_one_is_lost_with_it() -> None:
    base = mixer_model("vocals", "violin")
    model = operate(base, ("vocals", "mridangam"), donors={"mridangam": "violin"}).model.eval()
    noise = torch.randn(1, 1, 300, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        lost = mixer_model("vocals", "violin")
        lost.mixer.weight.copy_(torch.eye(2, 3))  # what each net says by itself
        violin = lost(noise)[:, 1]
        before, after = base(noise), model(noise)
    share = base.mixer.weight[0, 1].detach()
    torch.testing.assert_close(after[:, 0], before[:, 0] - share * violin, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(after[:, 1], violin, atol=1e-6, rtol=1e-5)


def test_a_model_that_has_the_stems_stays_whatever_it_is() -> None:
    base = build("band_unet", widths=[4, 8], hidden=8)
    operation = operate(base, base.stems, donors={})
    assert operation.model is base
    assert len(operation.kept_parameters) == len(list(base.parameters()))
    with pytest.raises(ConfigError, match="band_unet shares its layers"):
        operate(base, ("vocals", "accompaniment"), donors={})


def test_donors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="'drum'; did you mean: drums"):
        plan_grafts(SPLEETER4, FOUR, {"mridangam": "drum"})
    with pytest.raises(ConfigError, match=r"donors\.ghatam"):
        plan_grafts(SPLEETER4, FOUR, {"ghatam": "drums"})
