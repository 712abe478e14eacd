"""What can stop provisioning. The operator reads the sentence; nothing was half made.

ProvisioningError      the operator must act
+-- AlreadyThere       a county or terminal of that name exists and is never overwritten
+-- NoSuchCounty       the folder holds no county
+-- BadPlan            what was asked for cannot be: a name, a point, a port, a clock
"""


class ProvisioningError(ValueError):
    """The operator must act."""


class AlreadyThere(ProvisioningError, FileExistsError):
    """Keys that exist are never overwritten: whoever holds them would be locked out."""


class NoSuchCounty(ProvisioningError, FileNotFoundError):
    """The folder holds no county, or not all of one."""


class BadPlan(ProvisioningError):
    """What was asked for cannot be made."""
