"""Figures that others published, and Runs held against them."""
