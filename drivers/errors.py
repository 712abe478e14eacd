"""What can go wrong with a device, and what the caller does about it.

DriverError
├── TransientDriverError      try again after a delay
│   ├── PortGone              unplugged or not there yet; reopen by path
│   └── DeviceSilent          the port is open, nothing sensible answers (also a TimeoutError)
├── DeviceRefused             the device answered with a fault; the operator must act
└── DriverConfigError         the configuration names what does not exist (also a ValueError)
"""


class DriverError(Exception):
    """Base of everything a driver raises."""


class TransientDriverError(DriverError):
    """Will likely go away: try again after a delay."""


class PortGone(TransientDriverError):
    """The byte pipe is closed, unplugged or not there yet."""


class DeviceSilent(TransientDriverError, TimeoutError):
    """The port is open, but nothing that follows the device's protocol answers."""


class DeviceRefused(DriverError):
    """The device reports a fault that waiting does not cure."""


class DriverConfigError(DriverError, ValueError):
    """The configuration asks for a driver, port or option that does not exist."""
