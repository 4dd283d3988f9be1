"""What can be measured on a Target, and what would have to change for the rest."""
