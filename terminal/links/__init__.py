"""Ways from a terminal to the gateway."""
