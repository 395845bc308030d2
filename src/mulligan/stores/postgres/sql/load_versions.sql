SELECT namespace, workflow, number, digest, registered_at, definition
FROM versions
WHERE (namespace, workflow, digest) IN (SELECT * FROM unnest(:namespace::text[], :workflow::text[], :digest::text[]))
