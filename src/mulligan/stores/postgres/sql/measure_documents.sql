-- The length of a value is in its row: those that lie elsewhere are not read.
SELECT count(*), coalesce(sum(octet_length(record)), 0)::bigint
FROM documents
WHERE namespace = :namespace AND kind = :kind
