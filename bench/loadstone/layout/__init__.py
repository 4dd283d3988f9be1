"""What a directory would take under each layout of a compressed or read-only file system."""
