-- The length of a value is in the head of its row: those on pages of their own are not read.
SELECT count(*), coalesce(sum(octet_length(record)), 0) FROM documents WHERE namespace = :namespace AND kind = :kind
