import type { Browser, BrowserContext, CDPSession, JSHandle, Page } from 'playwright-core'
import type { Door } from '../../live/doors.js'
import type { LiveClient } from '../../live/live-client.js'

/** The answer to a question that the browser asked by itself before it let the page ask. */
interface Preflight {
  readonly path: string
  readonly status: number
  /** The headers that the page may send. */
  readonly allows: string | undefined
}

/** A visit to a site: its page, and what the browser did for it. With a browser's memory of its own. */
export class Visit {
  readonly preflights: Preflight[] = []
  /** Why the browser kept answers from the page. */
  readonly keptBack: string[] = []
  /** Paths of the page's own requests. */
  readonly requests: string[] = []
  /** What went wrong in the page without being caught. */
  readonly faults: string[] = []

  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async begin(browser: Browser, origin: string): Promise<Visit> {
    const context = await browser.newContext()
    const page = await context.newPage()
    const visit = new Visit(context, page)
    await visit.watch(await context.newCDPSession(page))
    await page.goto(origin)
    return visit
  }

  /** Has the page listen. Its client stays in the page; what is wanted of it is asked there. */
  listen(door: Door, base: string, token: string): Promise<JSHandle<LiveClient>> {
    return this.page.evaluateHandle(([name, ...rest]) => globalThis.listen(name, ...rest), [
      door,
      base,
      token,
    ] as const)
  }

  end(): Promise<void> {
    return this.context.close()
  }

  private async watch(network: CDPSession): Promise<void> {
    this.page.on('pageerror', ({ message }) => this.faults.push(message))
    this.page.on('request', (request) => this.requests.push(new URL(request.url()).pathname))
    network.on('Network.responseReceived', ({ type, response: { url, status, headers } }) => {
      const allows = headers['access-control-allow-headers']
      if (type === 'Preflight') this.preflights.push({ path: new URL(url).pathname, status, allows })
    })
    network.on('Network.loadingFailed', ({ corsErrorStatus }) => {
      if (corsErrorStatus) this.keptBack.push(corsErrorStatus.corsError)
    })
    await network.send('Network.enable')
  }
}
