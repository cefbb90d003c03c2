"""Worker processes and the queue that feeds them.

The journal is the truth and the queue a hint: what is lost here is found again
in the journal by the janitor.
"""
