DELETE FROM bulk_items WHERE bulk_id = :id
