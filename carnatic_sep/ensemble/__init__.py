"""A rendered kutcheri with known truth: raga, contour, voice, violin, mridangam, tanpura, room."""

from __future__ import annotations

from carnatic_sep.ensemble.plan import Plan, plan
from carnatic_sep.ensemble.render import mix, perform, render

__all__ = ["Plan", "mix", "perform", "plan", "render"]
