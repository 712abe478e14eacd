"""What the pages of terminal and gateway share; it knows nothing of check-ins."""
