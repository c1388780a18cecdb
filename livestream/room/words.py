"""Words: the word lists of shops, built once a version for all their rooms in this process."""

from __future__ import annotations

from livestream.moderation.wordlist import Entry, Wordlist, starter
from livestream.storage.pool import Connection


class Words:
    """Keeps each shop's latest list."""

    def __init__(self) -> None:
        self._lists: dict[str, tuple[int, Wordlist]] = {}

    async def of(self, connection: Connection, shop_id: str, version: int) -> Wordlist:
        """The shop's own words over the starter lists it uses."""
        kept = self._lists.get(shop_id)
        if kept is None or kept[0] != version:
            kept = (version, await self._read(connection, shop_id))
            self._lists[shop_id] = kept
        return kept[1]

    async def _read(self, connection: Connection, shop_id: str) -> Wordlist:
        languages = await connection.fetchval("SELECT starter_languages FROM shop WHERE shop_id = $1", shop_id)
        rows = await connection.fetch("SELECT text, action FROM word WHERE shop_id = $1", shop_id)
        own = {row["text"]: row["action"] for row in rows}
        entries = [entry for entry in starter(languages) if entry.text not in own]
        entries += [Entry(text, action) for text, action in own.items() if action != "allow"]
        return Wordlist(entries)
