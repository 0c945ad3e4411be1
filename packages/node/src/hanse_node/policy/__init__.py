"""What the station's owner allows: pure decisions about runs, and the model of the file that holds the policy."""
