"""Pages of simulated devices."""
