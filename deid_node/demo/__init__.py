"""The main job on one machine: a scanner, the node and a research archive on loopback.

The demo is a caller from outside. The node that it shows runs as a process of
its own, started as a site starts it, and is spoken to over its ports alone.
"""
