"""The shell commands of the researcher."""
