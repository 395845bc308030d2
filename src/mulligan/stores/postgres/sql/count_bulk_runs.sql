SELECT status, count(*) FROM runs WHERE bulk_id = :bulk_id GROUP BY status
