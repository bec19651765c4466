"""How the names of a list are matched with names of files."""
