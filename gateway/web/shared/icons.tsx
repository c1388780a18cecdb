/** Icons: drawn here, so that no page asks another server for anything. */

import type { ComponentChildren } from "preact";

function Icon({ children, filled = false }: { children: ComponentChildren; filled?: boolean }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" fill={filled ? "currentColor" : "none"} stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
      {children}
    </svg>
  );
}

const HEART = "M12 20.3 4.9 13.4a4.7 4.7 0 0 1 0-6.7 4.8 4.8 0 0 1 6.7 0l.4.4.4-.4a4.8 4.8 0 0 1 6.7 0 4.7 4.7 0 0 1 0 6.7z";

export const Heart = () => <Icon filled><path d={HEART} /></Icon>;
export const Eye = () => <Icon><path d="M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12z" /><circle cx="12" cy="12" r="2.8" /></Icon>;
export const Send = () => <Icon filled><path d="M4 20.5 21 12 4 3.5l2 7 8 1.5-8 1.5z" /></Icon>;
export const Pin = () => <Icon><path d="M9 3.5h6l-.8 6.5 3.3 3.5H6.5L9.8 10zM12 13.5V21" /></Icon>;
export const Down = () => <Icon><path d="m6 10 6 6 6-6" /></Icon>;
export const Reply = () => <Icon><path d="M9 6 4 11l5 5M4 11h9a7 7 0 0 1 7 7v1" /></Icon>;
export const Copy = () => <Icon><rect x="8.5" y="8.5" width="12" height="12" rx="2.5" /><path d="M15.5 5.5v-.5A1.5 1.5 0 0 0 14 3.5H5A1.5 1.5 0 0 0 3.5 5v9A1.5 1.5 0 0 0 5 15.5h.5" /></Icon>;
export const Open = () => <Icon><path d="M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5" /></Icon>;
export const Close = () => <Icon><path d="m6 6 12 12M18 6 6 18" /></Icon>;
export const Pause = () => <Icon><path d="M9 5v14M15 5v14" /></Icon>;
export const Timer = () => <Icon><circle cx="12" cy="13.5" r="7.5" /><path d="M12 9.5v4l2.5 1.5M9.5 3h5" /></Icon>;
export const Trash = () => <Icon><path d="M4.5 7h15M10 11v6M14 11v6M6.5 7l.8 12.5h9.4L17.5 7M9.5 7V4h5v3" /></Icon>;
export const Mute = () => <Icon><path d="M11 5 6.5 9H3v6h3.5L11 19zM16 9.5l5 5M21 9.5l-5 5" /></Icon>;
export const Ban = () => <Icon><circle cx="12" cy="12" r="8.5" /><path d="m6 6 12 12" /></Icon>;
export const Undo = () => <Icon><path d="M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3" /></Icon>;
export const More = () => <Icon><circle cx="5" cy="12" r="1.2" /><circle cx="12" cy="12" r="1.2" /><circle cx="19" cy="12" r="1.2" /></Icon>;
export const Gift = () => <Icon><path d="M4 11h16v9.5H4zM3 7h18v4H3zM12 7v13.5M12 7S10.5 2.5 8 3.5 8.5 7 12 7zM12 7s1.5-4.5 4-3.5S15.5 7 12 7z" /></Icon>;
export const Check = () => <Icon><path d="m5 12.5 5 5L19.5 7" /></Icon>;
