"""Metrics over test mixtures, baselines, and the table that reports them."""
