"""What a fill is worth, measured: how near it is to the truth, how real, how unreadable.

Text is drawn on pictures that no model of ours was trained on, masked as the corridor
masks it, filled by each arm, and compared with what stood there before.
"""
