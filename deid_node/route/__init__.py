"""Rules: which treatment and which destinations an instance gets."""
