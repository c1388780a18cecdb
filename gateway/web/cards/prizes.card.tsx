/** Prizes: what a viewer won in lucky draws and has not claimed yet. */

import { OwnPrizes } from "./draw/own-prizes";
import type { Card } from "./registry";

export default { id: "prizes", order: 1, viewer: OwnPrizes } satisfies Card;
