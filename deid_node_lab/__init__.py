"""The laboratory: how the models of `deid_node` are built, trained and measured.

A distribution of its own, of the same version as the node: the node's has nothing of it.
"""

__version__ = "0.1.0"
