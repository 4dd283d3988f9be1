"""What the program fio writes and reads: its results as Runs, its job files as Requests."""
