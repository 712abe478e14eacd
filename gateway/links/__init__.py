"""Ways from the terminals into the gateway."""
