/** The present, in milliseconds since 1970. Passed in, so that a test can hold it. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()
