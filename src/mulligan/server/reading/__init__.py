"""Records as shapes: what a run, a step, a plan or a worker looks like to whoever reads it, and says it in words."""
