/**
 * Runs work one after the other, in the order of asking. What fails rejects for who asked for it, and
 * keeps nobody else from having their turn.
 */
export function createOrder(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
