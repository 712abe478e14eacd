"""The page the liaison staff look at."""

from terminal.web.site import station_app

__all__ = ["station_app"]
