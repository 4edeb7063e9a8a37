export * from './schemas/auth.js'
export type { CallContext, Ending } from './context.js'
export * from './errors.js'
export * from './schemas/keys.js'
export * from './limits.js'
export * from './schemas/live.js'
export * from './schemas/messages.js'
export type { OperationMeta, RestMeta } from './trpc.js'
export {
  notJson,
  shapeError,
  toApiError,
  toProblem,
  unknownField,
  validationFailed,
  type Problem,
} from './problem.js'
export { createRouter, type AppRouter } from './router.js'
export type * from './services.js'
export * from './schemas/users.js'
export { parseId, parseUsername } from './schemas/values.js'
