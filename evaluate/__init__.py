"""Runs to numbers: metrics, intervals, tables, label-free scores, figures and the demo."""
