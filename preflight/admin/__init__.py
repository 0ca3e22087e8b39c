"""The admin page: who may see it, its API, and its pages. Imported by the command line only."""
