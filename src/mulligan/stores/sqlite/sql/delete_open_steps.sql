DELETE FROM open_steps WHERE run_id = :run_id AND step = :step
