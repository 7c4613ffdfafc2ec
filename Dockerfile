# proface in a container: see docs/start/install.md.
FROM python:3.12-slim
COPY pyproject.toml README.md LICENSE NOTICE /source/
COPY src /source/src
RUN pip install --no-cache-dir /source && rm -r /source
WORKDIR /photos
ENTRYPOINT ["proface"]
