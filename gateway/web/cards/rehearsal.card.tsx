/** Rehearsal: a room like this one to try the show in, and erasing it. For operators alone. */

import { useEffect, useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { api, shopOfToken } from "../shared/api";
import { carry, roomOfPage } from "../shared/session";
import { Words } from "../shared/words";
import { Folded } from "./desk/folded";
import { rehearsal as words } from "./desk/words";
import type { Card, CardProps } from "./registry";

interface Room {
  readonly room: string;
  readonly title: string;
  readonly rehearsal?: string | null;
}

function ForHost({ client, state }: CardProps) {
  if (client.me?.role !== "operator" || state.rehearsal) return null;
  return <Folded begin={words.begin} label={words.label} close={words.close}>{() => <Rehearsals />}</Folded>;
}

function Rehearsals() {
  const { act, busy, trouble } = useAct();
  const [rooms, setRooms] = useState<readonly Room[]>([]);
  const shop = `/v1/shops/${encodeURIComponent(shopOfToken() ?? "")}`;
  const read = async () => setRooms((await api<{ items: Room[] }>("GET", `${shop}/rooms`)).items.filter((room) => room.rehearsal));
  const then = (ask: () => Promise<unknown>) => void act(async () => { await ask(); await read(); });
  useEffect(() => void act(read), []);
  const go = (room: string) => {
    carry(roomOfPage(), room);
    location.assign(`/host/${encodeURIComponent(room)}`);
  };
  const erase = ({ room }: Room) => confirm(words.eraseConfirm(room)) && then(() => api("POST", `${shop}/erase_rehearsal`, { room }));
  return (
    <>
      <p class="faint">{words.text}</p>
      <ul class="rehearsals">
        {rooms.map((each) => (
          <li key={each.room}>
            <span><Words>{each.title}</Words> <span class="faint">{each.room}</span></span>
            <span class="buttons">
              <button type="button" class="quiet" onClick={() => go(each.room)}>{words.open}</button>
              <button type="button" class="danger" disabled={busy} onClick={() => erase(each)}>{words.erase}</button>
            </span>
          </li>
        ))}
      </ul>
      {rooms.length === 0 && <p class="empty">{words.none}</p>}
      <button type="button" class="primary" disabled={busy} onClick={() => then(() => api("POST", `${shop}/rehearse`, { room: roomOfPage() }))}>{words.make}</button>
      {trouble}
    </>
  );
}

export default { id: "rehearsal", order: 93, host: ForHost } satisfies Card;
