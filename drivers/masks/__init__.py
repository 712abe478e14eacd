"""What makes a recording of a device safe to hand on: one mask for each kind of device."""
