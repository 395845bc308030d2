SELECT record FROM variables WHERE namespace = :namespace AND workflow = :workflow ORDER BY step, name
