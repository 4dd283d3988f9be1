"""Figures that others published, and how Runs compare with them."""
