"""A Plan carried out, and the Run that is kept of it."""
