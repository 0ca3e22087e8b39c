"""The reports' table: its shape, its store and its migrations."""
