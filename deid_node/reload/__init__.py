"""Another configuration takes over while the node runs, whole or not at all.

It is read and checked like that of a start, and everything new is built beside the old, before
anything is changed. Only then the old parts hand over: whoever is in the middle of something
ends it as it was begun.
"""
