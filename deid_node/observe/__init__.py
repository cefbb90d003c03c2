"""Metrics, events and health: what the node tells, without a patient value in it.

`logs.EventLog` writes events of the catalogue (`events.Event`) with fields of a
closed list (`fields.LogFields`); `metrics.Metrics` counts with labels of closed
sets (`labels`); `custody` reads from the spool what waits; `health.Health` asks
the parts how they are; `exporter.Exporter` serves both over HTTP.
"""
