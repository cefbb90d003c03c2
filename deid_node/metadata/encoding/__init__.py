"""Values as they are written: elements, dates, UIDs, dummies."""
