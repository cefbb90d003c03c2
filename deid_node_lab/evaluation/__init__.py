"""What the house promises of privacy, measured: on any images, beside other programs.

Stands beside the corridor and uses its rooms. What is read on an image here, by
whatever engine, is counted and forgotten: no word of it leaves a function that
counts, and no report holds one.
"""
