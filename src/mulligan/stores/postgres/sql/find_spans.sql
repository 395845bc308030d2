-- The partitions of the runs, and with them those of everything else, without the rest.
SELECT
    substring(part.relname FROM '^runs_(.*)$'),
    substring(bound FROM 'FROM \(''(.*?)''\)'),
    substring(bound FROM 'TO \(''(.*?)''\)')
FROM pg_inherits AS link
JOIN pg_class AS part ON part.oid = link.inhrelid
CROSS JOIN LATERAL pg_get_expr(part.relpartbound, part.oid) AS bound
WHERE link.inhparent = 'runs'::regclass AND bound <> 'DEFAULT'
ORDER BY 2
