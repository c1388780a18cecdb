"""People: who buys, by the shop's own id. Orders and webhooks name buyers to the shop; seats know pseudonyms alone."""

from __future__ import annotations

from collections.abc import Iterable

from livestream.room.desk import Actor
from livestream.storage.pool import Connection


async def remember(tx: Connection, actors: Iterable[Actor]) -> None:
    """Note who they are, if nobody has. In key order, as whoever else writes people: two writers never deadlock."""
    people = sorted({(each.shop_id, each.pseudonym): each for each in actors}.items())
    if not people:
        return
    await tx.execute(
        """
        INSERT INTO person (shop_id, pseudonym, viewer_id, name)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING""",
        [key[0] for key, _ in people],
        [key[1] for key, _ in people],
        [actor.viewer_id for _, actor in people],
        [actor.name for _, actor in people],
    )
