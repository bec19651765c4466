"""Adapt an action-recognition model from a labelled video domain to an unlabelled one.

Rooms, in the order in which data flows: ``cache`` (the feature file), ``extract`` (videos to
features), ``adapt`` (features to adapted classifiers), ``evaluate`` (runs to tables and figures).
"""

__version__ = "0.1.0"
