"""Features that others made, into a feature file.

registry    which format it is (formats/, one file each) -> a FeatureSource (source)
wanted      which of its videos, with the labels and splits of lists or folders
run         each video's features, checked, into the feature file
api         `import_features`, which does these in turn; progress shows it to people
"""
