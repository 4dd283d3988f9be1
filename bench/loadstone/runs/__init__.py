"""Carrying out a Plan, and Runs on disk."""
