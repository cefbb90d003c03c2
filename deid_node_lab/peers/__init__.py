"""Family of other programs that find and read text: what ours is measured beside."""
