"""What a directory would take under each layout: for a terminal, and as an HTML file."""
