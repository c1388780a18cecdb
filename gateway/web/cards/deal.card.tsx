/** Deal: group buys, for those who take part and those who run them. */

import { ForHost } from "./deal/host";
import { ForViewer } from "./deal/viewer";
import "./deal/deal.css";
import type { Card } from "./registry";

export default { id: "deal", order: 7, viewer: ForViewer, host: ForHost } satisfies Card;
