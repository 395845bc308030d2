"""Mulligan: durable workflows for Python whose centre is the second chance."""
