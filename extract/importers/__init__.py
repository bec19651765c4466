"""Features that users already have, read into a feature file: one file per format."""
