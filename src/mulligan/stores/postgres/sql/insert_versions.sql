INSERT INTO versions (namespace, workflow, number, digest, registered_at, definition)
SELECT *
FROM unnest(
    texts(:namespace), texts(:workflow), :number::integer[], texts(:digest), :registered_at::timestamptz[],
    texts(:definition)
)
