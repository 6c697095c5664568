"""One HTML page that says what an evaluation found: self-contained, and made to be read."""
