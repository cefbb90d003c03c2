"""Torch definitions of the models that ship, and their export.

Nothing of the corridor imports this: the node runs the exported files, and a
machine that serves needs no torch.
"""
