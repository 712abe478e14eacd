"""The shared LoRa medium that joins simulated modems: `hw/lora-phy.md` in code."""
