"""Batches from solo recordings, losses, the Lightning module, configs."""
