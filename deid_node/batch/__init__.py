"""Back-files: files of a caller walked through the corridor, however many there are.

What is to be done, and what has been, stands in a work list beside the output until all is
done: that is what a newcomer would look for in memory.
"""
