"""From Trials to figures: summaries, statistics, and Runs held against each other."""
