"""Simulated hardware, people and counties: shipped, typed and documented like drivers."""
