SELECT record FROM group_notes WHERE namespace = :namespace AND fingerprint = ANY (:fingerprints::text[])
