INSERT INTO workers (id, namespace, name, state, seen_at, lease_until_at, record)
SELECT *
FROM unnest(
    :id::text[], :namespace::text[], :name::text[], :state::text[], :seen_at::timestamptz[],
    :lease_until_at::timestamptz[], :record::text[]
)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name,
    state = excluded.state,
    seen_at = excluded.seen_at,
    lease_until_at = excluded.lease_until_at,
    record = excluded.record
