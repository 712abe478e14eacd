"""The county station: intake, ledger, board."""
