INSERT INTO workers (id, namespace, name, state, seen_at, lease_until_at, record)
SELECT *
FROM unnest(
    texts(:id), texts(:namespace), texts(:name), texts(:state), :seen_at::timestamptz[],
    :lease_until_at::timestamptz[], texts(:record)
)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name,
    state = excluded.state,
    seen_at = excluded.seen_at,
    lease_until_at = excluded.lease_until_at,
    record = excluded.record
