"""A rendered kutcheri with known truth: raga, contour, voice, violin, mridangam, tanpura, room."""

from __future__ import annotations

from carnatic_sep.ensemble.render import mix, render

__all__ = ["mix", "render"]
