# Dependencies are installed with the lockfile, then only what runs is taken along.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The image brings Node 24: the optional packages with a Node of their own are not needed.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
# The embedded emulator runs pods as processes, and a pod's agent is Python.
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
COPY agent agent
COPY bin bin
COPY schema schema
COPY src src
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 4000) + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: signals reach it and end it in good order.
CMD ["node", "bin/run.js", "src/main.ts"]
