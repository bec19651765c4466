"""Reports of a comparison: console, HTML and files."""
