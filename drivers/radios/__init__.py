"""Radio modems: frames out, frames in. What a frame means is for the caller."""
