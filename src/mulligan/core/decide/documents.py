"""Views, presets, pins and drafts: kept and forgotten."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mulligan.core.commands import DropDocument, KeepDocument
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Facts
from mulligan.core.records import Document


def keep_document(command: KeepDocument, facts: Facts, now: datetime, policy: Policy) -> Document:
    document = msgspec.structs.replace(command.document, at=now)
    facts.save_document((document.namespace, document.kind, document.key), document)
    return document


def drop_document(command: DropDocument, facts: Facts, now: datetime, policy: Policy) -> bool:
    key = (command.namespace, command.kind, command.key)
    if key not in facts.documents:
        return False
    facts.save_document(key, None)
    return True
