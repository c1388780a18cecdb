/** Hearts: rise when anybody likes. A few stand for many: a thousand likes a second are still a handful of hearts. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Heart } from "../shared/icons";

const MOST_AT_ONCE = 14;
const MOST_A_CHANGE = 5;
const LIFE_MS = 2400;

export function Hearts({ likes }: { likes: number | undefined }) {
  const [rising, setRising] = useState<readonly number[]>([]);
  const last = useRef({ likes, id: 0 });
  useEffect(() => {
    const before = last.current.likes ?? likes; // the first total came with the snapshot: nobody liked just now
    last.current.likes = likes;
    const more = Math.min(MOST_A_CHANGE, (likes ?? 0) - (before ?? 0));
    if (more <= 0 || document.hidden) return;
    const fresh = Array.from({ length: more }, () => ++last.current.id);
    setRising((before) => [...before, ...fresh].slice(-MOST_AT_ONCE));
    setTimeout(() => setRising((before) => before.filter((id) => !fresh.includes(id))), LIFE_MS);
  }, [likes]);
  return (
    <div class="hearts" aria-hidden="true">
      {rising.map((id) => <span key={id} class={`heart way-${id % 5} tint-${id % 3}`}><Heart /></span>)}
    </div>
  );
}
