from __future__ import annotations

import numpy as np
import pytest

from carnatic_sep.errors import UnknownNameError, UsageError
from carnatic_sep.separation.selection import select

STEMS = ("vocals", "violin", "mridangam", "other")


def test_everything_by_default():
    selection = select(STEMS)
    assert list(selection.outputs) == list(STEMS)
    assert selection.sums_to_mixture


def test_stems_by_name_and_alias_in_the_models_order_once_each():
    selection = select(STEMS, stems=["mridangam", "Voice", "vocals"])
    assert list(selection.outputs) == ["vocals", "mridangam"]
    assert not selection.sums_to_mixture


def test_mix_minus_is_the_sum_of_the_rest():
    block = np.arange(8, dtype=np.float32).reshape(4, 1, 2)
    outputs = select(STEMS, mix_minus=["violin"]).of(block)
    assert list(outputs) == ["mix-minus-violin"]
    np.testing.assert_array_equal(outputs["mix-minus-violin"], block.sum(axis=0) - block[1])


def test_minus_one_and_the_stem_itself_sum_to_the_mixture():
    selection = select(STEMS, stems=["violin"], mix_minus=["violin"])
    assert list(selection.outputs) == ["violin", "mix-minus-violin"]
    assert selection.sums_to_mixture
    assert list(select(STEMS, mix_minus=["other", "vocals"]).outputs) == ["mix-minus-vocals+other"]


def test_unknown_stems_and_an_empty_rest_are_refused():
    with pytest.raises(UnknownNameError, match="mridangam"):
        select(STEMS, stems=["mridangum"])
    with pytest.raises(UnknownNameError, match="violin"):
        select(STEMS, mix_minus=["violn"])
    with pytest.raises(UsageError, match="--mix-minus"):
        select(STEMS, mix_minus=STEMS)
