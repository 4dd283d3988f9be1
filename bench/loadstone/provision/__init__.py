"""What is set up for a Run on its Target, and taken down after it."""
