"""Features and models for other tools."""
