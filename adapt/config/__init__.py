"""What is trained and how: options, presets, settings and plans."""
