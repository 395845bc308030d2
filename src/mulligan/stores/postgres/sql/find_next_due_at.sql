SELECT min(due_at) FROM open_steps WHERE due_at IS NOT NULL
