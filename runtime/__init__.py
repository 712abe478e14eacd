"""Host plumbing every service needs. Knows nothing of check-ins."""
