"""The models that ship. `MODEL_CARD.md` says what they were made of and what they can do."""
