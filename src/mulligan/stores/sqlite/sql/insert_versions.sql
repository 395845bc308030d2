INSERT INTO versions (namespace, workflow, number, digest, registered_at, definition)
VALUES (:namespace, :workflow, :number, :digest, :registered_at, :definition)
