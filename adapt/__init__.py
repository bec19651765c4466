"""Features to adapted classifiers: co-attention, discriminators, methods and the training loop."""
