"""The checks that ship: one file each, discovered by name. A new file here needs no registration."""
