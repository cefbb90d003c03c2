"""The review desk: pages on which a person looks at what is withheld, and decides.

Nothing is sealed here, and no pixel is decoded in the node's own process: a decision is
data that the corridor gets when the instance walks again.
"""
