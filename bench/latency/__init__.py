"""Latency of the lane beside cyclictest's: measured, drawn, compared, told. See README.md."""
