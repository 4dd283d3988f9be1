"""What workloads that read a file cold have in common; it is none itself."""
