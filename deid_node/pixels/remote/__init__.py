"""Models that stand on other machines: what is asked of them, and what answers."""
