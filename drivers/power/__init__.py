"""Battery, mains and the health of the board."""
