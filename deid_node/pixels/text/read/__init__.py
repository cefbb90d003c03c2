"""Family of readers: what does a found line say."""
