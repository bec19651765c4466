"""From options to features: the plan of an extraction, its pipeline, and a look at what it sees."""
