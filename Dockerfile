# Tacet in a container. docker-compose.yml starts it with drachtio-server and FreeSWITCH; docs/production.md.
FROM node:20-bookworm-slim AS build
WORKDIR /tacet
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY cli ./cli
COPY config ./config
COPY flows ./flows
COPY media ./media
COPY server ./server
# Tests, bench and demo stay outside; the project compiles without them.
RUN npx tsc -b && npm prune --omit=dev

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /tacet
COPY --from=build /tacet/node_modules ./node_modules
COPY --from=build /tacet/dist ./dist
COPY --from=build /tacet/flows/library ./flows/library
COPY package.json ./
# A volume mounted here takes this owner. Prompts have a volume of their own, which FreeSWITCH reads.
RUN mkdir -p -m 0700 /data /data/prompts && chown -R node:node /data
USER node
CMD ["node", "--min-semi-space-size=32", "--max-semi-space-size=32", "--initial-old-space-size=256", "dist/server/main.js"]
