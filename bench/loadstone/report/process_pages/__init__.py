"""What was seen of live processes: for a terminal, as CSV, and as an HTML file."""
