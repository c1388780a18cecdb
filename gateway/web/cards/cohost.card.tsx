/** Co-host: for who was invited to promise a secret in a lucky draw. */

import { Cohost } from "./draw/cohost";
import type { Card } from "./registry";

export default { id: "cohost", order: 1, viewer: Cohost } satisfies Card;
