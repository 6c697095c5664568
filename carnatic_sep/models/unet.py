"""Spleeter's U-Net."""
