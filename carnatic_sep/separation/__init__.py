"""The engine: streaming overlap-add, mixture consistency, stem selection, progress."""
