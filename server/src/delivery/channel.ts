/** What a channel tells of the other instances. */
export interface ChannelEvents {
  /** A text that some instance carried, this one too. */
  heard(text: string): void
  /** From now on everything is heard; before, something may have been missed. */
  joined(): void
}

/** The way that news takes between instances. It comes back by itself when it is cut. */
export interface Channel {
  /** Throws while there is no way. */
  carry(texts: readonly string[]): Promise<void>
  close(): Promise<void>
}
