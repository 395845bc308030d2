SELECT run_id, step, token FROM open_steps WHERE run_id = ANY (texts(:ids)) AND state = 'leased'
