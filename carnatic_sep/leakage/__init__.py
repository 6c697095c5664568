"""Bleed between microphones: simulated in a room, measured, and taken out of stems."""
