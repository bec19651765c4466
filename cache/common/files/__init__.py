"""Files: read with care, written as a whole."""
