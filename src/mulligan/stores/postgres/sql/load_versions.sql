SELECT namespace, workflow, number, digest, registered_at, definition
FROM versions
WHERE (namespace, workflow, digest) IN (SELECT * FROM unnest(texts(:namespace), texts(:workflow), texts(:digest)))
    AND namespace = ANY (texts(:namespace))
    AND workflow = ANY (texts(:workflow))
    AND digest = ANY (texts(:digest))
