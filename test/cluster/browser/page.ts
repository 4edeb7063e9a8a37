import { doors, type Door } from '../../live/doors.js'
import { LiveClient } from '../../live/live-client.js'

function listen(door: Door, base: string, token: string): LiveClient {
  return new LiveClient(doors[door](base, token))
}

declare global {
  /** What a test may call in the page. */
  var listen: (door: Door, base: string, token: string) => LiveClient
}

globalThis.listen = listen
