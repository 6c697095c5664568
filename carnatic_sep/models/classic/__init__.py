"""Separation without learning: median filters, repetition, sparse and low rank, factorisation."""
