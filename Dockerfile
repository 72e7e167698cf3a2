# One image for every role: `docker run <image>` starts everything in one process, `--role web` and so on one role.

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
RUN WHATSFLOW_PRODUCTION=1 WHATSFLOW_SECRET_KEY=only-to-collect-static-files \
    WHATSFLOW_HOME=/tmp/build /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /venv/bin/python -m compileall -q /app

FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends chromium chromium-driver util-linux \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home --home-dir /data whatsflow
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    WHATSFLOW_HOME=/data WHATSFLOW_BIND=0.0.0.0 WHATSFLOW_NO_DOTENV=1 WHATSAPP_WEB_BROWSER_ARGS='["--no-sandbox"]'
USER whatsflow
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "manage.py", "up"]
