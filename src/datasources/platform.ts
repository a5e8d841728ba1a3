/**
 * The port that every GPU cloud implements.
 *
 * Every method takes a signal, has a deadline of its own, and throws only `AppError`s with a
 * `PLATFORM_*` or `NOT_FOUND` code. Methods that read may be repeated inside; `launch` never is.
 * Running inference endpoints is out of scope: a platform here rents pods for training, no more.
 */
import type { CatalogueEntry, CloudTier, Offer } from '../domain/gpu.ts';
import type { SpotPrices } from '../domain/price.ts';

/** Interactive calls have a person waiting; background ones yield the rate budget to them. */
export type Urgency = 'interactive' | 'background';

export interface CallOptions {
  signal?: AbortSignal;
  /** Default: interactive. */
  urgency?: Urgency;
}

export interface PlatformAccount {
  /** USD; null: this platform, or what is left of it, does not tell. */
  readonly balanceUsd: number | null;
  readonly spendUsdPerHour: number | null;
  readonly supportsSpot: boolean;
}

export type PodStatus = 'PROVISIONING' | 'STARTING' | 'RUNNING' | 'EXITED' | 'ERROR' | 'TERMINATED';

export interface Pod {
  readonly id: string;
  readonly name: string;
  readonly status: PodStatus | 'UNKNOWN';
  /** True once the container really runs: RUNNING alone may come before it. */
  readonly isReady: boolean;
  readonly gpuTypeId: string | null;
  readonly gpuCount: number | null;
  readonly dataCenterId: string | null;
  /** What the platform charges now. */
  readonly usdPerHour: number;
  readonly createdAt: number | null;
}

export interface LaunchRequest {
  /** Unique per attempt: the only handle on a pod whose create call gave no answer. */
  readonly name: string;
  readonly image: string;
  readonly gpuTypeId: string;
  readonly gpuCount: number;
  readonly cloud: CloudTier;
  readonly dataCenterIds?: readonly string[];
  readonly containerDiskGb: number;
  readonly minCudaVersion: string;
  /** Exec form; never a shell line. */
  readonly command: readonly string[];
  /** Readable by anyone who can read the pod: never a secret. At most 50. */
  readonly env: Readonly<Record<string, string>>;
  readonly httpPorts: readonly number[];
  readonly networkVolume?: { readonly id: string; readonly path: string };
  /** An interruptible pod at this bid, in USD per hour of the whole pod; absent: on demand. */
  readonly spotUsdPerHour?: number;
}

export interface PlatformLogLine {
  /** Opaque; hand it back as `after` to go on behind this line. */
  readonly eventId: string;
  readonly at: number;
  readonly source: 'container' | 'system';
  readonly text: string;
}

export interface LogOptions {
  signal: AbortSignal;
  source?: 'container' | 'system';
  /** Exclusive; delivery is at least once. */
  after?: string;
  /** Lines of history to begin with when `after` is absent; 0 to 5000, default 100. */
  tail?: number;
}

export interface Platform {
  /** Lower case, as in settings: `runpod`. */
  readonly name: string;
  /** True: nothing here costs money. */
  readonly emulated: boolean;

  /**
   * Checks that the credential works and reads the account, within five seconds.
   * @throws {AppError} PLATFORM_UNAUTHORIZED PLATFORM_UNAVAILABLE PLATFORM_TIMEOUT …
   */
  verify(options?: CallOptions): Promise<PlatformAccount>;

  /** Every GPU type with its price and stock for one offer, in one upstream call. */
  catalogue(offer: Offer, options?: CallOptions): Promise<readonly CatalogueEntry[]>;

  /**
   * Spot prices of every GPU type for all these offers, in one upstream call.
   * Null: this platform sells no spot pods, or the source of their prices is gone.
   */
  spotPrices(offers: readonly Offer[], options?: CallOptions): Promise<SpotPrices | null>;

  /**
   * Rents one pod, once: never repeated inside. After PLATFORM_TIMEOUT or PLATFORM_UNAVAILABLE the
   * pod may exist and cost money: look for its name in `listPods` before anything else.
   * @throws {AppError} PLATFORM_NO_CAPACITY PLATFORM_INSUFFICIENT_BALANCE PLATFORM_REJECTED …
   */
  launch(request: LaunchRequest, options?: CallOptions): Promise<Pod>;

  /** Every pod of this credential, all pages. May lag behind `launch` by seconds. */
  listPods(options?: CallOptions): Promise<readonly Pod[]>;

  /** One pod; null: the platform does not know it (now: shortly after a launch it may not yet). */
  observe(podId: string, options?: CallOptions): Promise<Pod | null>;

  /** Ends a pod for good. Ending one that is already gone is a success. */
  terminate(podId: string, options?: CallOptions): Promise<void>;

  /** A pod's log as the platform keeps it; goes on until the signal or the upstream ends it. */
  logs(podId: string, options: LogOptions): AsyncIterable<PlatformLogLine>;

  /** The public address of one HTTP port of a pod, without a trailing slash. */
  proxyUrl(podId: string, port: number): string;

  /** Where a pod may end itself: what the agent's environment says (PROTOCOL.md §8). */
  readonly selfTermination: { readonly restUrl: string; readonly graphqlUrl: string };

  /** What the platform has billed for a pod so far, in USD; null: nothing is recorded (yet). */
  billedUsd(podId: string, since: number, options?: CallOptions): Promise<number | null>;

  /** Share of the rate budget left in its tightest window, 0 to 1; null: never told. */
  rateBudgetShare(): number | null;

  close(): Promise<void>;
}
