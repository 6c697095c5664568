"""Samples in and out; this room knows no model."""
