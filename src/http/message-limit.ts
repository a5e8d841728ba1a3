/** A bound on how often one client may speak. */

/** A gateway that has lost its connection begins all of its operations anew, at once. */
const BURST = 1_000;
const PER_SECOND = 100;

/** @returns whether one more message is within the bound */
export function createMessageLimit(now: () => number = () => performance.now()): () => boolean {
  let left = BURST;
  let seenAt = now();
  return () => {
    const at = now();
    left = Math.min(BURST, left + ((at - seenAt) / 1_000) * PER_SECOND) - 1;
    seenAt = at;
    return left >= 0;
  };
}
