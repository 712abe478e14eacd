"""The page the liaison staff look at."""
