"""Where the ledger lives: one contract, its implementations."""
