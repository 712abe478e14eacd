"""Board profiles (pins and ports as TOML, read by drivers) and device digests."""
