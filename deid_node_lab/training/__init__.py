"""How the shipped models are made again: text rendered on real images, and the loops.

Nothing of the corridor imports this. What is drawn here is invented: no name,
number or date comes from a patient.
"""
