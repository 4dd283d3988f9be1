"""The lab: kernels, guests and simulated storage."""
