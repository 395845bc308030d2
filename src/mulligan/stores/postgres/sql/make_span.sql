SELECT make_span(:name, :least, :limit)
