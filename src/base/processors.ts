import { availableParallelism } from 'node:os'

/** How many threads can run at once, as the operating system (or its container) allows this process. */
export function processorCount(): number {
  return availableParallelism()
}
