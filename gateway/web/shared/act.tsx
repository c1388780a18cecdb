/** useAct: run a command from a button: busy while it runs, and what went wrong in words. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Failure, failure } from "./failure";

export function useAct() {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Failure | null>(null);
  const running = useRef(false);

  /** Returns whether it worked. A second call while one runs does nothing. */
  const act = useCallback(async (command: () => Promise<unknown>): Promise<boolean> => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setFailed(null);
    try {
      await command();
      return true;
    } catch (error) {
      setFailed(failure(error));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);

  useEffect(() => {
    if (failed?.until === undefined) return;
    const timer = setTimeout(() => setFailed(null), failed.until - Date.now());
    return () => clearTimeout(timer);
  }, [failed]);

  const forget = useCallback(() => setFailed(null), []);
  const trouble = failed && <span class="trouble" role="alert">{failed.text}</span>;
  return { act, busy, failed, forget, trouble };
}
