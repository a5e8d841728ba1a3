/**
 * The platform's own lines of one pod: image pull, events of its host. Best effort, as the platform
 * numbers nothing: what it repeats is known by its event id, the last of which is stored.
 */
import { splitText } from '../domain/job/log-line.ts';
import { readImageFault } from '../domain/job/image-fault.ts';
import type { PlatformLogLine } from '../datasources/platform.ts';
import type { LogWriter } from './ingest.ts';
import { readPlatform } from './sources.ts';
import type { PlatformSource } from './sources.ts';

/** Ids of events in a row that are remembered, as several may share one instant. */
const REMEMBERED_IDS = 1_000;

export interface FollowedPod {
  readonly tenantId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly podName: string;
  readonly podId: string;
  /** The last event that is stored; '': none. */
  readonly logEventId: string;
}

/** Until the signal aborts. @throws when the lane has failed */
export async function followSystem(
  {
    writer,
    platform,
  }: { writer: Pick<LogWriter, 'openSystem'> } & Pick<PlatformSource, 'platform'>,
  pod: FollowedPod,
  signal: AbortSignal,
): Promise<void> {
  const lane = writer.openSystem({ ...pod, from: pod.logEventId });
  const isNew = createIdFilter(pod.logEventId);
  // Kept by every later part: the store takes the last one of a batch.
  let imageFault: string | null = null;
  const take = async ({ eventId, at, text }: PlatformLogLine): Promise<void> => {
    if (!isNew(eventId)) return;
    imageFault = readImageFault(text) ?? imageFault;
    const lines = splitText(text).map((each) => ({
      at,
      source: 'SYSTEM' as const,
      attempt: pod.attempt,
      text: each,
    }));
    await lane.push({ lines, to: eventId, imageFault });
  };
  const from = { platform, podId: pod.podId, source: 'system' } as const;
  try {
    await readPlatform(from, pod.logEventId, signal, take);
    await lane.flushed();
  } finally {
    lane.close();
  }
}

function createIdFilter(last: string): (eventId: string) => boolean {
  const known = new Set([last]);
  return (eventId) => {
    if (known.has(eventId)) return false;
    known.add(eventId);
    const [oldest] = known;
    if (known.size > REMEMBERED_IDS && oldest !== undefined) known.delete(oldest);
    return true;
  };
}
