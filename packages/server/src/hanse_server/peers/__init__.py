"""What lets algorithms at different nodes talk to each other."""
