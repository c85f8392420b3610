/** How the work of a phase is divided among the workers: connections first, everything else as they were. */

/** Connections of each worker; those beyond the number of connections get none. */
export function connectionShares(connections: number, workers: number): number[] {
  return Array.from({ length: workers }, (_, index) =>
    Math.floor((connections + workers - 1 - index) / workers),
  );
}

/** Divides whole things in proportion to the weights; the shares add up to `total`. */
export function proportionalShares(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  let weightSoFar = 0;
  let given = 0;
  return weights.map((weight) => {
    weightSoFar += weight;
    const share = Math.round((total * weightSoFar) / sum) - given;
    given += share;
    return share;
  });
}
