"""One file per figure, and the style that they share."""
