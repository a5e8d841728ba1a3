/** What the host says while a pod boots (`source=system`): the only news of it until it runs. */
import type { BootTimes, Pod } from './pod.ts';

export interface BootLine {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

/** In the order of their instants. */
export function bootLines(pod: Pod, { provisioningMs, startingMs }: BootTimes): readonly BootLine[] {
  const { image } = pod.spec;
  const [repository = image, tag = 'latest'] = image.split(':');
  const pulled = pod.bootedAt + provisioningMs;
  return [
    { at: pod.bootedAt, text: 'create pod network' },
    { at: pod.bootedAt, text: `create container ${image}` },
    { at: pod.bootedAt + Math.floor(provisioningMs / 2), text: `${tag} Pulling from ${repository}` },
    { at: pulled, text: `Status: Downloaded newer image for ${image}` },
    { at: pulled + startingMs, text: `start container for ${image}: begin` },
  ];
}
