SELECT record FROM replays WHERE run_id = ANY (texts(:ids))
