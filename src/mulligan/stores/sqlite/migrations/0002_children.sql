-- Which runs the steps of a run have started. Runs that nobody's step started are not in it.
CREATE INDEX runs_by_parent ON runs (parent_id, namespace, id) WHERE parent_id IS NOT NULL;
