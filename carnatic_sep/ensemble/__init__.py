"""A rendered kutcheri with known truth: contour, voice, violin, mridangam, tanpura."""
