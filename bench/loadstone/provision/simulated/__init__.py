"""Simulated block devices: null_blk by named profiles, on this kernel or a guest's."""
