/** Stands in every name, password, key and text that a visitor makes. */
export const CANARY = 'canary'

const UUID = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]+/

/** What no log, metric or error may hold. Ids that servers make for requests are no secrets, so ids are told apart. */
export class Canaries {
  private readonly ids = new Map<string, string>()
  private readonly texts: { readonly where: string; readonly text: string }[] = []

  /** @param secrets - that may stand nowhere, by what they are */
  constructor(private readonly secrets: Readonly<Record<string, string>>) {}

  addId(kind: string, id: string): void {
    this.ids.set(id, kind)
  }

  /** Takes what somebody could read, to be searched in the end, when all ids are known. */
  take(where: string, text: string): void {
    this.texts.push({ where, text })
  }

  get searched(): number {
    return this.texts.length
  }

  /** @returns what was found and where, never the thing itself */
  search(): string[] {
    const found = new Set<string>()
    for (const { where, text } of this.texts)
      for (const kind of this.kindsIn(text)) found.add(`${kind} in ${where}`)
    return [...found]
  }

  private *kindsIn(text: string): Iterable<string> {
    if (text.includes(CANARY)) yield 'what a visitor said'
    if (JWT.test(text)) yield 'a token'
    for (const [kind, secret] of Object.entries(this.secrets)) if (text.includes(secret)) yield kind
    for (const [id] of text.matchAll(UUID)) {
      const kind = this.ids.get(id)
      if (kind !== undefined) yield kind
    }
  }
}
