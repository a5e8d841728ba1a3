/**
 * Named places between intent, effect and save, where a chaos test ends the process. The list of
 * them is read from the source: each is one literal `failpoint('…')`.
 */
export type Failpoint = (name: string) => void;

export const noFailpoint: Failpoint = () => undefined;
