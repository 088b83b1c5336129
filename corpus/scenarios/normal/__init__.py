"""Normal work."""
