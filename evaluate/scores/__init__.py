"""Metrics, intervals, paired tests, fusion, label-free selection and domain distances."""
