"""The words all rooms share: immutable, standard library only, safe to log.

A value's `repr` never shows what came from a patient or a peer: such fields are
declared with ``repr=False``.
"""
