/**
 * Wake-ups: "something of this job has changed, look". Ids only, no content; published after the
 * commit. May be lost, doubled or late: whoever waits also looks by itself once a second.
 */
export interface Bus {
  /** Never fails, never waits. */
  publish(jobId: string): void;
  /** Calls `wake` at each change of this job until the returned function is called. */
  subscribe(jobId: string, wake: () => void): () => void;
  close(): Promise<void>;
}
