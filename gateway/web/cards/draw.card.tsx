/** Draw: lucky draws, for those who take part and those who run them. */

import { ForHost } from "./draw/host";
import { ForViewer } from "./draw/viewer";
import "./draw/draw.css";
import type { Card } from "./registry";

export default { id: "draw", order: 6, viewer: ForViewer, host: ForHost } satisfies Card;
