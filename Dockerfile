# The image of every process of PreFlight: worker, beat, Flower, the admin page, `preflight db upgrade`.
# An application's own image starts from it and adds its checks to /app, or their packages to the environment.

FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY requirements-image.lock .
RUN python -m venv /opt/preflight \
    && /opt/preflight/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-image.lock
COPY pyproject.toml README.md LICENSE ./
COPY preflight preflight
RUN /opt/preflight/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
# /var/lib/preflight is for beat's schedule: a volume takes its owner from here.
RUN groupadd --gid 10001 preflight \
    && useradd --uid 10001 --gid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin preflight \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/preflight
COPY --from=build /opt/preflight /opt/preflight
WORKDIR /app
# `celery -A worker` finds its application here; the wheel holds `preflight` only.
COPY beat_schedule.py ./
COPY worker worker
COPY tasks tasks
ENV PATH=/opt/preflight/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
CMD ["celery", "-A", "worker", "worker"]
