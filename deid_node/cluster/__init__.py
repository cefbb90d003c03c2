"""The side of the cluster: a foreman who gives places at models, and actors that hold these.

Nothing here runs in the node, and nothing of the node's keys or instances comes here.
"""
