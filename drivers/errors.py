"""What can go wrong with a device, and what the caller does about it.

DriverError
├── TransientDriverError      try again after a delay
│   ├── PortGone              unplugged or not there yet; reopen by path
│   │   ├── PortBusy          another program holds it
│   │   └── PortNotSetUp      it is there; this machine's set-up does not let us use it
│   ├── DeviceSilent          the port is open, nothing sensible answers (also a TimeoutError)
│   │   └── OtherDevice       something answers or talks that is not the device
│   └── AirtimeSpent          the law allows no more radio now; the device is well: wait until then
├── DeviceRefused             the device answered with a fault; the operator must act
│   └── DeviceUnauthorised    the fault is that it was never allowed to work
└── DriverConfigError         the configuration names what does not exist (also a ValueError)
"""


class DriverError(Exception):
    """Base of everything a driver raises."""


class TransientDriverError(DriverError):
    """Will likely go away: try again after a delay."""


class PortGone(TransientDriverError):
    """The byte pipe is closed, unplugged or not there yet."""


class PortBusy(PortGone):
    """Another program holds the port: wait for it to let go, or stop it."""


class PortNotSetUp(PortGone):
    """Permissions, a system library or a choice between equals is missing; the text says which."""


class DeviceSilent(TransientDriverError, TimeoutError):
    """The port is open, but nothing that follows the device's protocol answers."""


class OtherDevice(DeviceSilent):
    """What comes in on the port is no answer of the device: another one is plugged in there."""


class AirtimeSpent(TransientDriverError):
    """The frame was not sent: the law allows it at `free_at_s` of the event loop's time."""

    def __init__(self, free_at_s: float, wait_s: float) -> None:
        super().__init__(f"the airtime the law allows is used up for {wait_s:.0f} s")
        self.free_at_s = free_at_s


class DeviceRefused(DriverError):
    """The device reports a fault that waiting does not cure."""


class DeviceUnauthorised(DeviceRefused):
    """The device says it is not authorised to work; only another one helps."""


class DriverConfigError(DriverError, ValueError):
    """The configuration asks for a driver, port or option that does not exist."""
