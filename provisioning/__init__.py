"""County authority, node identities, broker configuration, terminal bundles."""
