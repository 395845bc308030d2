UPDATE bulks SET state = :state, record = :record WHERE id = :id
