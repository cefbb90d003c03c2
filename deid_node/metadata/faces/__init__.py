"""Faces: whether one could be seen on an object, or be made of it and its neighbours.

What an object is (`kinds`), which parts of the body its header names (`parts`),
how its slices lie in the patient (`planes`), what its pixels show of the body
(`body`, `trunk`, `drawing`), and the judgement over all of that (`judge`), which
is the one name used from outside.
"""
