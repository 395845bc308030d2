-- Bytes of the tables' own pages, which have to be read to know what is in them.
SELECT sum(pg_relation_size(rest))::bigint
FROM unnest(ARRAY['runs_rest', 'attempts_rest', 'run_events_rest', 'logs_rest']::regclass[]) AS rest
