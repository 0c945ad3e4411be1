"""The central server: who may ask what of whom, and what came of it."""
