SELECT drop_span(:name)
