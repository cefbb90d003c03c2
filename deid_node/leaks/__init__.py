"""The second look: what of a patient is left. It shares no code with what removed it."""
