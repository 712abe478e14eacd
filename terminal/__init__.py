"""The township station: scan, verdict, outbox, uplink."""
