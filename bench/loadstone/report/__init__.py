"""Runs and Comparisons as text, HTML and JSON."""
