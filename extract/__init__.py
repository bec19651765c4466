"""Videos to features: lists, decoding, sampling, backbones and the extraction pipeline."""
