/** A bound on how many there may be of something at a time. */
export interface Slots {
  /** False: all are taken. */
  take(): boolean;
  free(): void;
}

export function createSlots(max: number): Slots {
  let taken = 0;
  return {
    take() {
      if (taken >= max) return false;
      taken += 1;
      return true;
    },
    free() {
      taken -= 1;
    },
  };
}
