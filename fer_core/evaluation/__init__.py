"""Metrics, comparisons, robustness, and error analysis of models."""
