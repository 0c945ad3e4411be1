"""Algorithm stores: which are coupled, for whom, and what they know of an image."""
