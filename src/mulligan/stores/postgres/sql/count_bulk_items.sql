SELECT state, count(*) FROM bulk_items WHERE bulk_id = :bulk_id GROUP BY state
