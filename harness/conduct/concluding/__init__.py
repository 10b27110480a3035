"""What follows a review: reading what it found, signing it, holding it against a bill."""
