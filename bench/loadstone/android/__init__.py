"""What an Android phone tells of itself, beyond what every Linux machine does."""
