"""What can go wrong with pages. Apart from `server`, so that help texts do not load a web stack."""


class CannotListen(OSError):
    """The address cannot be served; the operator must change it or stop what holds it."""
