"""Encrypt the stored tokens anew, so that an old key may be forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from pydantic import SecretStr

from preflight.campaign.encryption import Keys
from preflight.campaign.models import streamers
from preflight.reports.database import explaining, make_engine, parsed


def rotate(database_url: str, keys: SecretStr | None) -> int:
    """Encrypt every stored token with the first of the keys, all or nothing; return how many there are.

    Raises `SourceUnavailable` if none of the keys fits a token, and `StoreUnavailable` for the database's faults.
    """
    held, url = Keys(keys), parsed(database_url)
    engine = make_engine(url, poolclass=sa.NullPool)
    stored = sa.select(streamers.c.id, streamers.c.name, streamers.c.encrypted_token)
    query = stored.where(streamers.c.encrypted_token.is_not(None)).with_for_update()
    changed = sa.update(streamers).where(streamers.c.id == sa.bindparam("whose"))
    with explaining(url), engine.begin() as connection:
        rows = connection.execute(query).all()
        new = [{"whose": row.id, "encrypted_token": held.rotate(row.encrypted_token, row.name)} for row in rows]
        if new:
            connection.execute(changed, new)
    return len(new)
