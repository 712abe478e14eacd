"""The command that carries: between a terminal and its county on a stick or in codes."""
