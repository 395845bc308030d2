SELECT record
FROM bulks
WHERE (:namespace::text IS NULL OR namespace = :namespace::text)
    AND (:states::text[] = '{}' OR state = ANY (:states::text[]))
ORDER BY id DESC
LIMIT :limit
