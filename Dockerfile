# The relay: the compiled server, its production dependencies and the migrations, nothing else.
#   docker build -t messenger-api .
#   docker run -p 8000:8000 --env-file .env messenger-api
# `node scripts/check-image.mjs` walks through this file where there is no Docker engine; it knows only the
# instructions that are used here.

FROM node:26-bookworm-slim AS manifests
WORKDIR /app
# What decides the dependencies comes first: the layers that install them hold until one of these changes.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY packages/api/package.json packages/api/
COPY server/package.json server/

# NODE_ENV stays unset here: the compilers are development dependencies.
FROM manifests AS build
RUN npx --yes pnpm@12.21.0 install --frozen-lockfile
COPY tsconfig.base.json prisma.config.ts ./
COPY scripts/build.mjs scripts/
COPY prisma prisma
COPY packages/api packages/api
COPY server server
# Prisma's warning that it finds no OpenSSL is of no account: the engine that would need it is not used.
RUN node scripts/build.mjs packages/api server

FROM manifests AS production
RUN npx --yes pnpm@12.21.0 install --frozen-lockfile --prod

FROM node:26-bookworm-slim AS runtime
WORKDIR /app
ENV NODE_ENV=production
COPY --from=production /app ./
COPY --from=build /app/packages/api/dist packages/api/dist
COPY --from=build /app/server/dist server/dist
# The server applies the migrations at its start, and looks for them where the repository has them.
COPY prisma prisma
# Without DATABASE_URL the server keeps a PostgreSQL of its own here. The rest is root's: the server cannot change it.
RUN mkdir data
RUN chown node:node data
VOLUME /app/data
USER node
EXPOSE 8000
# The image has no curl. The server's own certificate names another host than this one, so it is not checked.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD node -e "\
  const { HOST, PORT, TLS_CERT_FILE } = process.env; \
  require(TLS_CERT_FILE ? 'node:https' : 'node:http') \
    .get({ host: HOST || '127.0.0.1', port: PORT || 8000, path: '/health', rejectUnauthorized: false }, \
      ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)) \
    .on('error', () => process.exit(1))"
# glibc keeps an arena of memory for each thread; with one for all the process is 15 MB smaller.
ENV MALLOC_ARENA_MAX=1
# A young generation of 16 MB each half: a tenth more sends than with 8 MB, for 27 MB.
CMD ["node", "--max-semi-space-size=16", "server/dist/main.js"]
