"""Recordings on disk, their splits, and mixtures drawn from them; this room knows no model."""
