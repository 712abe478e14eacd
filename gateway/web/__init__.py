"""The county's pages."""
