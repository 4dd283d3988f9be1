"""Runs and Comparisons, for people."""
