/** Milliseconds: of the present since 1970, or of a duration. Passed in, so that a test can hold it. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()

/** Milliseconds that only ever grow, for durations: the system's clock may be set back. */
export const monotonicClock: Clock = () => performance.now()
