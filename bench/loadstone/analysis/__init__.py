"""From Trials to figures: summaries, statistics, and the comparison of Runs."""
