"""Metrics, events and health: what the node tells, without a patient value in it."""
