# One image for the four services and their migrations:
#   docker run … unsaid python -m services.session            (or gateway, consent, notes)
#   docker run … unsaid python -m services.session migrate
#
# The base images are arguments, so that a mirror, or a build of one's own, can stand in for them.
ARG NODE_IMAGE=node:24-bookworm-slim
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${NODE_IMAGE} AS page
WORKDIR /src
COPY services/gateway/web/package.json services/gateway/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY services/gateway/web/ ./
RUN npm run build

FROM ${PYTHON_IMAGE} AS libraries
COPY deploy/requirements.image.lock /tmp/
# Wheels only: what needs a compiler is a surprise that should stop the build.
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --only-binary :all: --require-hashes \
        -r /tmp/requirements.image.lock

FROM ${PYTHON_IMAGE}
RUN groupadd --system --gid 10001 unsaid \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin unsaid
COPY --from=libraries /opt/venv /opt/venv
WORKDIR /app
COPY shared shared
COPY services services
COPY --from=page /src/dist services/gateway/web/dist
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# The containers' file systems are read-only, so the bytecode is made here. The files stay root's.
RUN python -m compileall -q shared services
# By number, so that Kubernetes can see that it isn't root.
USER 10001:10001
CMD ["python", "-m", "services.gateway"]
