"""The county's pages: the wall board, the desk's table of terminals, and the same as JSON."""

from gateway.web.site import board_app

__all__ = ["board_app"]
