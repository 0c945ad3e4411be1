"""Ways out of this station for the runs that policy gives one to, and for nobody else."""
